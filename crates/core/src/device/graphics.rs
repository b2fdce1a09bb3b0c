//! Adapters of the graphics interfaces: Vulkan, Metal, DirectX 12, OpenGL.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use burn::tensor::wgpu::wgpu::{Backend, DeviceType, Instance, InstanceDescriptor};
use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};
use burn::tensor::{Device, DeviceKind};

use super::{Handle, Processor};

/// Vulkan's loader crashes where instances come and go on several threads at once.
fn alone() -> MutexGuard<'static, ()> {
    static INSTANCES: Mutex<()> = Mutex::new(());
    INSTANCES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A graphics interface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Api {
    Vulkan,
    Metal,
    Dx12,
    Gl,
}

/// One adapter of an interface.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Adapter {
    api: Api,
    /// Its kind and its number among those of this kind.
    kind: DeviceKind,
}

/// The kind of adapter that a number makes.
type Numbered = fn(usize) -> DeviceKind;

/// The adapters of the first of some interfaces that has hardware, else of the
/// first that has any: GPUs by number, software as `:cpu` at the end.
pub(super) fn list(word: &str, apis: &[Api]) -> Vec<Processor> {
    let lists: Vec<Vec<Processor>> =
        apis.iter().map(|api| adapters(word, *api)).filter(|list| !list.is_empty()).collect();
    let hardware = lists.iter().position(|list| list[0].is_hardware());
    lists.into_iter().nth(hardware.unwrap_or(0)).unwrap_or_default()
}

fn adapters(word: &str, api: Api) -> Vec<Processor> {
    let backend = match api {
        Api::Vulkan => Backend::Vulkan,
        Api::Metal => Backend::Metal,
        Api::Dx12 => Backend::Dx12,
        Api::Gl => Backend::Gl,
    };
    if !Instance::enabled_backend_features().contains(backend.into()) {
        return Vec::new();
    }
    let _alone = alone();
    let instance = Instance::new(InstanceDescriptor {
        backends: backend.into(),
        ..InstanceDescriptor::new_without_display_handle()
    });
    let all = done(instance.enumerate_adapters(backend.into()));
    let infos: Vec<_> = all.iter().map(|adapter| adapter.get_info()).collect();
    // As Burn numbers them: each kind by itself. A desktop's own GPU comes before a laptop's.
    let kinds: [(DeviceType, Numbered); 4] = [
        (DeviceType::DiscreteGpu, DeviceKind::DiscreteGpu),
        (DeviceType::IntegratedGpu, DeviceKind::IntegratedGpu),
        (DeviceType::VirtualGpu, DeviceKind::VirtualGpu),
        (DeviceType::Cpu, |_| DeviceKind::Cpu),
    ];
    let mut list: Vec<Processor> = Vec::new();
    for (device_type, kind) in kinds {
        for (number, info) in infos.iter().filter(|info| info.device_type == device_type).enumerate() {
            let place = match kind(number) {
                // Burn reaches the first alone.
                DeviceKind::Cpu if number > 0 => break,
                DeviceKind::Cpu => "cpu".to_owned(),
                _ => list.len().to_string(),
            };
            list.push(Processor {
                name: format!("{word}:{place}"),
                adapter: info.name.clone(),
                driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
                handle: Handle::Graphics(Adapter { api, kind: kind(number) }),
            });
        }
    }
    list
}

impl Adapter {
    pub fn open(&self) -> Result<Device, WgpuInitError> {
        let api = match self.api {
            Api::Vulkan => WgpuBackend::Vulkan,
            Api::Metal => WgpuBackend::Metal,
            Api::Dx12 => WgpuBackend::Dx12,
            Api::Gl => WgpuBackend::Gl,
        };
        let _alone = alone();
        Device::wgpu_options().device_kind(self.kind.clone()).graphics_api(api).init()
    }
}

/// The result of work that outside of browsers never waits.
fn done<T>(work: impl Future<Output = T>) -> T {
    let (mut work, mut context) = (pin!(work), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut context) {
            return result;
        }
        std::thread::yield_now();
    }
}
