//! Weights that torch, torchvision and safetensors wrote, in encoders of ours.

mod checkpoints;

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::ForwardContext;
use counterpoint::modality::{Modalities, Modality};
use counterpoint::model::{LateFusionConfig, Model, ModelSettings};
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Joint, StrategyConfig};
use counterpoint::train::{OptimizerConfig, TrainState};
use counterpoint::weights::{self, Array, Weights};
use counterpoint_batch::{Array as Column, Batch, Input, ModalitySpec, Targets};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(name)
}

fn load(name: &str) -> Weights {
    weights::read(&file(name)).unwrap()
}

/// A ResNet-18 of width 2 over pictures of this many channels.
fn train_state(channels: usize) -> TrainState<impl Model> {
    let encoder = serde_json::from_str(r#"{"name": "resnet18", "width": 2}"#).unwrap();
    let config = LateFusionConfig { encoder, ..LateFusionConfig::default() };
    let data = [ModalitySpec::new("picture", [channels, 40, 48])];
    let model = config.build(&data, 3, false, 0, &Device::flex()).unwrap();
    let strategy = StrategyConfig::from(Joint {}).build(&Modalities::new(["picture"]).unwrap()).unwrap();
    let optimizer: OptimizerConfig = serde_json::from_str(r#"{"name": "sgd", "lr": 0.1}"#).unwrap();
    TrainState::new(model, optimizer, strategy)
}

/// Features in evaluation mode of two pictures `cos(0.37 i)`.
fn features<M: Model>(state: &TrainState<M>, channels: usize) -> Vec<f32> {
    let values = (0..2 * channels * 40 * 48).map(|i| (i as f32 * 0.37).cos()).collect();
    let array = Column::new([2, channels, 40, 48], values).unwrap();
    let batch = Batch {
        ids: vec!["0".into(), "1".into()],
        inputs: vec![Input { array, present: vec![true; 2], lengths: None }],
        targets: Targets::Classes(vec![0, 1]),
    };
    let inputs = Inputs::new(batch, &Device::flex());
    let pass = &mut ForwardContext::eval(&state.buffers);
    let scored = state.frozen().forward(&[(LossTerm::Fused, vec![0, 1])], &inputs, pass).remove(0);
    host(scored.features[0].clone().unwrap())
}

fn expected(key: &str) -> Vec<f32> {
    let text = fs::read_to_string(file("expected.json")).unwrap();
    let all: std::collections::BTreeMap<String, Vec<f32>> = serde_json::from_str(&text).unwrap();
    all[key].clone()
}

fn worst(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max)
}

#[test]
fn torch_and_ours_compute_the_same_features_from_every_kind_of_file() {
    let torch = expected("colour");
    for name in ["narrow.pth", "narrow-before-1.6.pth", "narrow.safetensors"] {
        let mut state = train_state(3);
        assert!(worst(&features(&state, 3), &torch) > 0.1, "the start is another network");
        state.start_from(Modality(0), &load(name), None).unwrap();
        let off = worst(&features(&state, 3), &torch);
        assert!(off < 1e-5, "{name}: {off}");
    }
}

#[test]
fn half_precision_inside_a_training_checkpoint_is_read_too() {
    let mut state = train_state(3);
    state.start_from(Modality(0), &load("narrow-half-checkpoint.pth"), None).unwrap();
    let off = worst(&features(&state, 3), &expected("colour"));
    assert!(off > 0.0 && off < 1e-2, "{off}");
}

#[test]
fn an_encoder_of_one_channel_sums_the_first_kernel_over_colours() {
    let mut state = train_state(1);
    state.start_from(Modality(0), &load("narrow.pth"), None).unwrap();
    // torch saw the same picture in all three channels.
    let off = worst(&features(&state, 1), &expected("one_channel"));
    assert!(off < 1e-5, "{off}");
}

#[test]
fn all_files_hold_the_same_numbers() {
    let zip = load("narrow.pth");
    assert_eq!(zip, load("narrow-before-1.6.pth"));
    assert_eq!(zip, load("narrow.safetensors"));
    assert_eq!(zip["conv1.weight"].shape, [2, 3, 7, 7]);
    assert_eq!(zip["bn1.num_batches_tracked"], Array { shape: vec![], values: vec![20.0] });
}

#[test]
fn a_network_that_does_not_fit_is_refused_by_name_and_shape() {
    let refusal = |change: &dyn Fn(&mut Weights)| {
        let mut weights = load("narrow.pth");
        change(&mut weights);
        train_state(3).start_from(Modality(0), &weights, None).unwrap_err().to_string()
    };
    let lacking = refusal(&|w| drop(w.remove("layer2.0.conv1.weight")));
    assert!(lacking.contains("missing tensor `layer2.0.conv1.weight` of shape [4, 2, 3, 3]"), "{lacking}");
    let shaped = refusal(&|w| w.get_mut("bn1.bias").unwrap().shape = vec![1, 2]);
    assert!(shaped.contains("`bn1.bias` has shape [1, 2]") && shaped.contains("needs [2]"), "{shaped}");
    let deeper = refusal(&|w| {
        let block = w["layer1.1.conv1.weight"].clone();
        w.insert("layer1.2.conv1.weight".into(), block);
    });
    assert!(
        deeper.contains("`layer1.2.conv1.weight`") && deeper.contains("a different architecture"),
        "{deeper}"
    );
    let statistics = refusal(&|w| w.get_mut("bn1.running_var").unwrap().shape = vec![3]);
    assert!(statistics.contains("`bn1.running_var` has shape [3]"), "{statistics}");
}

#[test]
fn damaged_files_and_other_files_are_errors_that_name_the_file() {
    let folder = std::env::temp_dir().join(format!("counterpoint-weights-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let refusal = |bytes: &[u8]| {
        let path = folder.join("broken.pth");
        fs::write(&path, bytes).unwrap();
        let message = weights::read(&path).unwrap_err().to_string();
        assert!(message.contains("broken.pth"), "{message}");
        message
    };
    for name in ["narrow.pth", "narrow-before-1.6.pth", "narrow.safetensors"] {
        let whole = fs::read(file(name)).unwrap();
        for end in [0, 3, 10, 200, 5000, whole.len() / 2, whole.len() - 1] {
            refusal(&whole[..end]);
        }
    }
    assert!(refusal(b"hello").contains("neither a file of torch.save nor of safetensors"));
    // os.system("true"), as a file of the layout before 1.6.
    let mut evil = fs::read(file("narrow-before-1.6.pth")).unwrap()[..15].to_vec();
    evil.extend(b"\x80\x02M\xe9\x03.\x80\x02}.\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.");
    assert!(refusal(&evil).contains("`os.system`, which is refused"));
    fs::remove_dir_all(folder).unwrap();
}
