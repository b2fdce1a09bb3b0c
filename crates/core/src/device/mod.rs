//! Where tensors are computed, chosen by name at run time.
//!
//! Burn's default device is never used: a back end that is compiled in, or a
//! variable of the environment, would silently change what a run computes on.

#[cfg(any(feature = "vulkan", feature = "metal", feature = "wgpu"))]
mod graphics;

use std::sync::Mutex;

use burn::tensor::Device;
use counterpoint_kernels::Level;

use crate::Error;

/// A processor of this machine that this build can compute on.
#[derive(Clone, Debug, PartialEq)]
pub struct Processor {
    /// As `train.device` writes it: `cpu`, `cuda:0`, `vulkan:cpu`.
    pub name: String,
    /// What the hardware calls itself; empty where it does not say.
    pub adapter: String,
    /// Its driver and version; empty where the system does not say.
    pub driver: String,
    handle: Handle,
}

/// How a processor is opened.
#[derive(Clone, Debug, PartialEq)]
enum Handle {
    Cpu,
    #[cfg(feature = "cuda")]
    Cuda(usize),
    #[cfg(feature = "rocm")]
    Rocm(usize),
    #[cfg(any(feature = "vulkan", feature = "metal", feature = "wgpu"))]
    Graphics(graphics::Adapter),
}

/// A kind of processors: the word before the colon.
struct Kind {
    name: &'static str,
    /// Whether this build has its back end.
    built: bool,
    /// What the machine must have for one to be found.
    needs: &'static str,
    list: fn() -> Vec<Processor>,
}

/// The CPU, then the others in the order in which `auto` prefers them.
const KINDS: [Kind; 6] = [
    Kind { name: "cpu", built: true, needs: "", list: cpu },
    Kind {
        name: "cuda",
        built: cfg!(feature = "cuda"),
        needs: "an NVIDIA GPU, its driver (libcuda.so.1) and CUDA's libdevice",
        list: cuda,
    },
    Kind { name: "metal", built: cfg!(feature = "metal"), needs: "macOS with a GPU", list: metal },
    Kind { name: "rocm", built: cfg!(feature = "rocm"), needs: "an AMD GPU and ROCm", list: rocm },
    Kind {
        name: "vulkan",
        built: cfg!(feature = "vulkan"),
        needs: "a GPU, its Vulkan driver and the Vulkan loader (libvulkan.so.1)",
        list: vulkan,
    },
    Kind {
        name: "wgpu",
        built: cfg!(any(feature = "vulkan", feature = "metal", feature = "wgpu")),
        needs: "a GPU with a driver for Vulkan, Metal, DirectX 12 or OpenGL",
        list: wgpu,
    },
];

impl Processor {
    /// Every processor that this build can compute on here. Opens none.
    pub fn all() -> Vec<Self> {
        KINDS.iter().flat_map(|kind| (kind.list)()).collect()
    }

    /// The processor of a name. A kind alone is its first hardware: `vulkan` is
    /// never the software adapter `vulkan:cpu`. `auto` is the first hardware of
    /// any kind, else the CPU.
    ///
    /// # Errors
    /// If the name is unknown, this build lacks the back end, or the machine
    /// has no such processor; the message says which there are.
    pub fn named(name: &str) -> Result<Self, Error> {
        Level::chosen().map_err(Error::config)?;
        if name == "auto" {
            let [cpu, others @ ..] = &KINDS;
            let mut kinds = others.iter().chain([cpu]);
            let found = kinds.find_map(|kind| (kind.list)().into_iter().find(Self::is_hardware));
            return Ok(found.expect("the CPU is always there"));
        }
        let word = name.split(':').next().unwrap_or(name);
        let refused = |why: String| Error::config(format!("device \"{name}\": {why}"));
        let Some(kind) = KINDS.iter().find(|kind| kind.name == word) else {
            let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            return Err(refused(format!(
                "expected auto or one of {}, those with several processors with `:0`, `:1`, .. after it",
                known.join(", ")
            )));
        };
        if !kind.built {
            return Err(refused(format!(
                "this program was built without `{word}`; build it with `--features {word}`, or choose {}",
                Self::choice()
            )));
        }
        let list = (kind.list)();
        let chosen = if name == word {
            list.into_iter().find(Self::is_hardware)
        } else {
            list.into_iter().find(|processor| processor.name == name)
        };
        chosen.ok_or_else(|| {
            refused(format!("this machine has none; it needs {}. Found: {}", kind.needs, Self::choice()))
        })
    }

    /// Opens the processor; the second time it is there already.
    ///
    /// # Errors
    /// If its driver refuses.
    pub fn open(&self) -> Result<Device, Error> {
        static OPENED: Mutex<Vec<(String, Device)>> = Mutex::new(Vec::new());
        let mut opened = OPENED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, device)) = opened.iter().find(|(name, _)| *name == self.name) {
            return Ok(device.clone());
        }
        let device = match &self.handle {
            Handle::Cpu => Device::flex(),
            #[cfg(feature = "cuda")]
            Handle::Cuda(index) => Device::cuda(*index),
            #[cfg(feature = "rocm")]
            Handle::Rocm(index) => Device::rocm(*index),
            #[cfg(any(feature = "vulkan", feature = "metal", feature = "wgpu"))]
            Handle::Graphics(adapter) => adapter
                .open()
                .map_err(|why| Error::config(format!("device \"{}\" cannot be opened: {why}", self.name)))?,
        };
        opened.push((self.name.clone(), device.clone()));
        Ok(device)
    }

    /// Instructions that the CPU's kernels use, `avx512`, which rounding depends on; empty elsewhere.
    pub fn instructions(&self) -> &'static str {
        if self.handle == Handle::Cpu { Level::best().name() } else { "" }
    }

    /// Burn's back end with what changes its results: `flex`, `vulkan, autotune`.
    pub fn backend(&self) -> String {
        if self.handle == Handle::Cpu {
            return "flex".into();
        }
        let kind = self.name.split(':').next().unwrap_or_default();
        let options = [("fusion", cfg!(feature = "fusion")), ("autotune", cfg!(feature = "autotune"))];
        let on = options.iter().filter(|(_, on)| *on).map(|(name, _)| *name);
        std::iter::once(kind).chain(on).collect::<Vec<_>>().join(", ")
    }

    /// Software that computes as if it were a GPU is for tests.
    fn is_hardware(&self) -> bool {
        self.handle == Handle::Cpu || !self.name.ends_with(":cpu")
    }

    fn choice() -> String {
        Self::all().into_iter().map(|processor| processor.name).collect::<Vec<_>>().join(", ")
    }
}

/// Whether tensors of a device lie in the memory of the program itself.
pub fn is_host(device: &Device) -> bool {
    *device == Device::flex()
}

fn cpu() -> Vec<Processor> {
    let adapter = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = adapter.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    vec![Processor {
        name: "cpu".into(),
        adapter: model.map_or(String::new(), |(_, name)| name.trim().to_owned()),
        driver: String::new(),
        handle: Handle::Cpu,
    }]
}

#[cfg(feature = "cuda")]
fn cuda() -> Vec<Processor> {
    let count = Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec().len();
    numbered("cuda", count, "/sys/module/nvidia/version", Handle::Cuda)
}

#[cfg(feature = "rocm")]
fn rocm() -> Vec<Processor> {
    let count = Device::enumerate(burn::tensor::DeviceType::Rocm).into_vec().len();
    numbered("rocm", count, "/sys/module/amdgpu/version", Handle::Rocm)
}

/// Processors that a back end merely counts. Their names are known once they are open.
#[cfg(any(feature = "cuda", feature = "rocm"))]
fn numbered(kind: &str, count: usize, version: &str, handle: fn(usize) -> Handle) -> Vec<Processor> {
    let driver = std::fs::read_to_string(version).unwrap_or_default().trim().to_owned();
    let one = |index| Processor {
        name: format!("{kind}:{index}"),
        adapter: String::new(),
        driver: driver.clone(),
        handle: handle(index),
    };
    (0..count).map(one).collect()
}

#[cfg(feature = "vulkan")]
fn vulkan() -> Vec<Processor> {
    graphics::list("vulkan", &[graphics::Api::Vulkan])
}

#[cfg(feature = "metal")]
fn metal() -> Vec<Processor> {
    graphics::list("metal", &[graphics::Api::Metal])
}

#[cfg(any(feature = "vulkan", feature = "metal", feature = "wgpu"))]
fn wgpu() -> Vec<Processor> {
    use graphics::Api::{Dx12, Gl, Metal, Vulkan};
    graphics::list("wgpu", &[Vulkan, Metal, Dx12, Gl])
}

#[cfg(not(feature = "cuda"))]
use nothing as cuda;
#[cfg(not(feature = "metal"))]
use nothing as metal;
#[cfg(not(feature = "rocm"))]
use nothing as rocm;
#[cfg(not(feature = "vulkan"))]
use nothing as vulkan;
#[cfg(not(any(feature = "vulkan", feature = "metal", feature = "wgpu")))]
use nothing as wgpu;

#[allow(dead_code, reason = "a build with every back end lacks nothing")]
fn nothing() -> Vec<Processor> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there_and_opens() {
        let cpu = Processor::named("cpu").unwrap();
        assert_eq!((cpu.name.as_str(), cpu.backend().as_str()), ("cpu", "flex"));
        assert!(is_host(&cpu.open().unwrap()));
        assert_eq!(Processor::all()[0], cpu);
    }

    #[test]
    fn a_refusal_says_what_is_missing_and_what_there_is() {
        let refusal = |name: &str| Processor::named(name).unwrap_err().to_string();
        let unknown = refusal("gpu");
        assert!(unknown.contains("device \"gpu\"") && unknown.contains("cpu, cuda, metal"), "{unknown}");
        for kind in KINDS.iter().filter(|kind| !kind.built) {
            let missing = refusal(&format!("{}:0", kind.name));
            assert!(missing.contains(&format!("--features {}", kind.name)), "{missing}");
            assert!(missing.contains("choose cpu"), "{missing}");
        }
        for kind in KINDS.iter().filter(|kind| kind.built) {
            let absent = refusal(&format!("{}:99", kind.name));
            assert!(absent.contains("Found: cpu"), "{absent}");
        }
    }
}
