//! Training checkpoints as people have them: containers, prefixes, and what lies beside weights.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use counterpoint::modality::Modality;
use counterpoint::model::Model;
use counterpoint::train::TrainState;
use counterpoint::weights::{self, Array, Weights};

use super::{features, load, train_state};

/// A Python object to pickle.
#[derive(Clone)]
enum Py {
    Dict(Vec<(&'static str, Py)>),
    List(Vec<Py>),
    Tuple(Vec<Py>),
    /// A state dictionary whose names begin with a text.
    State(&'static str),
    /// Instructions that leave one object.
    Raw(&'static [u8]),
    /// A tensor of the storage class and its bytes.
    Tensor(&'static str, usize, Vec<u8>),
}

use Py::{Dict, List, Raw, State, Tensor, Tuple};

/// Writes pickles of protocol 2 and the storages that they refer to.
struct Pickler<'a> {
    weights: &'a Weights,
    code: Vec<u8>,
    storages: Vec<Vec<u8>>,
}

impl Pickler<'_> {
    fn text(&mut self, text: &str) {
        self.code.push(b'X');
        self.code.extend((text.len() as u32).to_le_bytes());
        self.code.extend(text.bytes());
    }

    fn integer(&mut self, value: usize) {
        self.code.push(b'J');
        self.code.extend((value as i32).to_le_bytes());
    }

    fn sizes(&mut self, sizes: &[usize]) {
        self.code.push(b'(');
        sizes.iter().for_each(|&size| self.integer(size));
        self.code.push(b't');
    }

    fn tensor(&mut self, class: &str, shape: &[usize], count: usize, bytes: Vec<u8>) {
        self.code.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.code.extend(format!("ctorch\n{class}\n").bytes());
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.integer(count);
        self.code.extend(b"tQ");
        self.integer(0);
        self.sizes(shape);
        let strides: Vec<usize> = (0..shape.len()).map(|i| shape[i + 1..].iter().product()).collect();
        self.sizes(&strides);
        self.code.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.storages.push(bytes);
    }

    fn write(&mut self, object: &Py) {
        match object {
            Dict(entries) => {
                self.code.extend(b"}(");
                for (key, value) in entries {
                    self.text(key);
                    self.write(value);
                }
                self.code.push(b'u');
            }
            List(items) => {
                self.code.extend(b"](");
                items.iter().for_each(|item| self.write(item));
                self.code.push(b'e');
            }
            Tuple(items) => {
                self.code.push(b'(');
                items.iter().for_each(|item| self.write(item));
                self.code.push(b't');
            }
            State(prefix) => {
                self.code.extend(b"ccollections\nOrderedDict\n)R(");
                for (name, Array { shape, values }) in self.weights {
                    self.text(&format!("{prefix}{name}"));
                    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                    self.tensor("FloatStorage", shape, values.len(), bytes);
                }
                self.code.push(b'u');
            }
            Raw(code) => self.code.extend(*code),
            Tensor(class, count, bytes) => self.tensor(class, &[*count], *count, bytes.clone()),
        }
    }
}

/// A file as `torch.save` writes it.
fn save(name: &str, weights: &Weights, object: &Py) -> PathBuf {
    let mut pickler = Pickler { weights, code: b"\x80\x02".to_vec(), storages: Vec::new() };
    pickler.write(object);
    pickler.code.push(b'.');
    let path = std::env::temp_dir().join(format!("counterpoint-{}-{name}.pth", std::process::id()));
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut part = |name: &str, bytes: &[u8]| {
        zip.start_file(format!("archive/{name}"), stored).unwrap();
        zip.write_all(bytes).unwrap();
    };
    part("data.pkl", &pickler.code);
    for (number, bytes) in pickler.storages.iter().enumerate() {
        part(&format!("data/{number}"), bytes);
    }
    zip.finish().unwrap();
    path
}

/// The encoder's features from a file, bit for bit; the file is removed.
fn bits(path: &PathBuf, prefix: Option<&str>) -> Result<Vec<u32>, String> {
    let weights = weights::read(path);
    fs::remove_file(path).unwrap();
    let mut state = train_state(3);
    state.start_from(Modality(0), &weights.map_err(|e| e.to_string())?, prefix).map_err(|e| e.to_string())?;
    Ok(of(&state))
}

fn of<M: Model>(state: &TrainState<M>) -> Vec<u32> {
    let mut all: Vec<u32> = features(state, 3).into_iter().map(f32::to_bits).collect();
    state.visit(|p, values| {
        if p.name.starts_with("encoder.") {
            all.extend(values.into_iter().map(f32::to_bits));
        }
    });
    all
}

const EPOCH: (&str, Py) = ("epoch", Raw(b"K\x03"));

#[test]
fn containers_and_prefixes_start_the_encoder_bit_for_bit() {
    let plain = load("narrow.pth");
    let mut first = train_state(3);
    first.start_from(Modality(0), &plain, None).unwrap();
    let expected = of(&first);
    let under = |key, prefix| Dict(vec![EPOCH, (key, State(prefix)), ("optimizer", Dict(Vec::new()))]);
    let mut files = vec![
        ("plain", State("")),
        ("list", List(vec![State("")])),
        ("tuple", Tuple(vec![State(""), Dict(Vec::new())])),
        (
            "lightning",
            Dict(vec![("state_dict", State("encoder.")), ("callbacks", Dict(vec![("best", State("ema."))]))]),
        ),
        ("both", Dict(vec![("params", State("")), ("params_ema", State(""))])),
    ];
    for prefix in ["module.", "_orig_mod.", "backbone.", "encoder.", "model.module."] {
        files.push((prefix, State(prefix)));
    }
    for key in ["state_dict", "model", "model_state_dict", "net", "network", "params_ema"] {
        for prefix in ["", "module.", "_orig_mod.", "backbone."] {
            files.push((key, under(key, prefix)));
        }
    }
    for (what, object) in files {
        match bits(&save("container", &plain, &object), None) {
            Ok(found) => assert!(found == expected, "{what} gives other numbers"),
            Err(e) => panic!("{what}: {e}"),
        }
    }
    let two = Dict(vec![("text", State("")), ("visual", State(""))]);
    let doubt = bits(&save("two", &plain, &two), None).unwrap_err();
    assert!(doubt.contains("several encoders") && doubt.contains("pretrained_prefix"), "{doubt}");
    assert!(bits(&save("two", &plain, &two), Some("visual")).unwrap() == expected);
}

/// What torch and others put beside weights, as Python pickles it.
const BESIDE: [(&str, &[u8]); 13] = [
    ("size", b"ctorch\nSize\nK\x01\x85\x85R"),
    ("device", b"ctorch\ndevice\nX\x03\x00\x00\x00cpu\x85R"),
    ("dtype", b"ctorch\nfloat32\n"),
    ("namespace", b"cargparse\nNamespace\nq\x00)\x81q\x01}q\x02X\x02\x00\x00\x00lrq\x03K\x01sb"),
    (
        "scalar",
        b"cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbc_codecs\nencode\nX\x03\x00\x00\x00abcX\x06\x00\x00\x00latin1\x86R\x86R",
    ),
    (
        "array",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x04\x85cnumpy\ndtype\nX\x02\x00\x00\x00i8\x89\x88\x87R\x89C\x02abtb",
    ),
    ("set", b"c__builtin__\nset\n](K\x01K\x02e\x85R"),
    ("set of protocol 4", b"\x8f(K\x01\x90"),
    ("defaultdict", b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R"),
    ("counter", b"ccollections\nCounter\n}X\x01\x00\x00\x00aK\x02s\x85R"),
    ("path", b"cpathlib\nPurePosixPath\nX\x01\x00\x00\x00/X\x01\x00\x00\x00x\x86R"),
    ("complex", b"c__builtin__\ncomplex\nG\x00\x00\x00\x00\x00\x00\x00\x00G\x3f\xf0\x00\x00\x00\x00\x00\x00\x86R"),
    ("sparse", b"ctorch._utils\n_rebuild_sparse_tensor\nNN\x86R"),
];

#[test]
fn harmless_objects_beside_weights_are_skipped() {
    let plain = load("narrow.pth");
    let mut first = train_state(3);
    first.start_from(Modality(0), &plain, None).unwrap();
    let expected = of(&first);
    for (what, code) in BESIDE {
        let object = Dict(vec![("state_dict", State("module.")), ("beside", Raw(code)), EPOCH]);
        match bits(&save("beside", &plain, &object), None) {
            Ok(found) => assert!(found == expected, "{what}"),
            Err(e) => panic!("{what}: {e}"),
        }
    }
    for (class, bytes) in
        [("ShortStorage", 2), ("CharStorage", 1), ("ComplexFloatStorage", 8), ("BoolStorage", 1)]
    {
        let object = Dict(vec![("state_dict", State("")), ("mask", Tensor(class, 3, vec![1; 3 * bytes]))]);
        assert!(bits(&save("kind", &plain, &object), None).unwrap() == expected, "{class}");
    }
    let evil = Dict(vec![("state_dict", State("")), ("x", Raw(b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R"))]);
    let refused = bits(&save("evil", &plain, &evil), None).unwrap_err();
    assert!(refused.contains("`builtins.eval`, which is refused"), "{refused}");
    // Lists in lists, deeper than any stack.
    let lists = [vec![b']'; 200_000], vec![b'a'; 199_999]].concat();
    let deep = Dict(vec![("state_dict", State("")), ("x", Raw(lists.leak()))]);
    let refused = bits(&save("deep", &plain, &deep), None).unwrap_err();
    assert!(refused.contains("more than 64 deep"), "{refused}");
}

#[test]
fn what_is_missing_or_not_finite_is_said_with_what_there_is() {
    let refusal = |change: &dyn Fn(&mut Weights)| {
        let mut weights = load("narrow.pth");
        change(&mut weights);
        train_state(3).start_from(Modality(0), &weights, None).unwrap_err().to_string()
    };
    let other = refusal(&|weights| {
        let names: Vec<String> = weights.keys().cloned().collect();
        for name in names {
            let array = weights.remove(&name).unwrap();
            weights.insert(
                format!("features.{}", name.replace("conv", "c").replace("bn", "b").replace("layer", "l")),
                array,
            );
        }
    });
    assert!(
        other.contains("The file has `features.")
            && other.contains("more; the encoder expects `conv1.weight`"),
        "{other}"
    );
    assert_eq!(other.matches('`').count(), 2 * (1 + 3 + 3), "three names of each: {other}");
    let statistics = refusal(&|weights| weights.retain(|name, _| !name.contains("running")));
    assert!(statistics.contains("running statistics `bn1.running_mean`"), "{statistics}");
    let diverged = refusal(&|weights| weights.get_mut("conv1.weight").unwrap().values[3] = f32::NAN);
    assert!(diverged.contains("`conv1.weight` contains NaN") && diverged.contains("diverged"), "{diverged}");
    let variance = refusal(&|weights| weights.get_mut("bn1.running_var").unwrap().values[0] = f32::INFINITY);
    assert!(variance.contains("`bn1.running_var` contains inf"), "{variance}");
}
