//! The `[data]` table: what it may hold is what the settings of the sets say.

use counterpoint_catalog::Catalog;
use counterpoint_data::set::DataSet;
use counterpoint_data::{Check, CommonConfig, DataConfig, GridConfig, GridTask};

fn refusal(text: &str) -> String {
    DataConfig::from_toml(text).unwrap_err().to_string()
}

#[test]
fn a_table_is_written_as_run_folders_have_it() {
    let written = |text: &str| toml::to_string(&DataConfig::from_toml(text).unwrap()).unwrap();
    assert_eq!(
        written(
            "name = \"grid\"\nroot = \"x\"\ntask = \"digit\"\nsplit_by = \"who\"\nfractions = [0.5, 0.25, 0.25]\n\
             modalities = [\"video\"]\n[video]\nsize = 20\nflip = false\nrule = \"first-sorted\"\nframes = 5\n"
        ),
        "augment = false\nbatch_size = 64\ncache_dir_mb = 20480\ncache_mb = 512\ncheck = \"quick\"\ndrop_last = false\n\
         fractions = [0.5, 0.25, 0.25]\nmodalities = [\"video\"]\nname = \"grid\"\nprefetch = 4\nprefetch_mb = 1024\nroot = \"x\"\n\
         split_by = \"who\"\ntask = \"digit\"\nworkers = 1\n\n[audio]\nfront = \"grouped\"\n\n\
         [video]\nflip = false\nframes = 5\nrule = \"first-sorted\"\nsize = 20\n"
    );
    let manifest = "[modality.face]\nframe_width = 9\nframes = 4\nkind = \"video\"\nrule = \"segment\"\n\
                    size = [6, 8]\n\n[modality.sound]\nfront = \"grouped\"\nhop = 100\nkind = \"audio\"\n\
                    normalise = \"clip\"\n";
    assert!(written(&format!("name = \"manifest\"\n{manifest}")).ends_with(manifest));
    let rest = |text: &str| written(text).lines().filter(|line| !line.contains("= false")).count();
    assert_eq!(rest("name = \"features\""), 14, "{}", written("name = \"features\""));
    assert_eq!(rest("name = \"rgbd\""), 13, "{}", written("name = \"rgbd\""));
}

#[test]
fn configurations_are_equal_if_their_settings_are() {
    let read = |text: &str| DataConfig::from_toml(text).unwrap();
    let digit = GridConfig { task: GridTask::Digit, ..GridConfig::default() };
    let config = DataConfig::new(digit.clone());
    assert_eq!(config, read("name = \"grid\"\ntask = \"digit\""));
    assert_eq!(config.clone(), config);
    assert_ne!(config, read("name = \"grid\""));
    assert_ne!(config, read("name = \"manifest\""));
    assert_eq!(config.set.get::<GridConfig>(), Some(&digit));
    let common = CommonConfig { check: Check::Full, ..CommonConfig::default() };
    assert_ne!(DataConfig { common, ..config.clone() }, config);
}

/// Descriptions of every key of a schema and of those below it, with the way to it.
fn described(path: &str, schema: &serde_json::Value, found: &mut Vec<(String, String)>) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        for (key, of) in properties.iter().filter(|(key, _)| !["name", "kind"].contains(&key.as_str())) {
            let text = of.get("description").and_then(|d| d.as_str()).unwrap_or_default();
            found.push((format!("{path}.{key}"), text.to_owned()));
        }
    }
    match schema {
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(key, of)| described(&format!("{path}/{key}"), of, found));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|of| described(path, of, found)),
        _ => {}
    }
}

#[test]
fn every_key_is_described_by_a_sentence() {
    let schema = schemars::schema_for!(DataConfig).to_value();
    let mut found = Vec::new();
    described("", &schema, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for (key, text) in &found {
        assert!(text.len() > 20 && text.ends_with('.'), "{key}: {text:?}");
    }
    let sets = schema["oneOf"].as_array().unwrap();
    let names: Vec<_> = sets.iter().map(|set| set["properties"]["name"]["const"].as_str().unwrap()).collect();
    let listed: Vec<_> = Catalog::<dyn DataSet>::current().entries().iter().map(|entry| entry.name).collect();
    assert_eq!(names, listed);
    let batch = &sets[0]["properties"]["batch_size"];
    assert_eq!(
        (&batch["minimum"], &batch["maximum"], &batch["default"]),
        (&1.into(), &65_536.into(), &64.into())
    );
}

#[test]
fn a_key_is_known_if_and_only_if_the_settings_have_it() {
    let schema = schemars::schema_for!(DataConfig).to_value();
    for set in schema["oneOf"].as_array().unwrap() {
        let keys = set["properties"].as_object().unwrap();
        let name = keys["name"]["const"].as_str().unwrap();
        for key in keys.keys().filter(|key| *key != "name") {
            // No key takes a list of lists.
            let message = refusal(&format!("name = \"{name}\"\n{key} = [[1]]"));
            assert!(message.starts_with(&format!("`{key}")), "{message}");
        }
        let message = refusal(&format!("name = \"{name}\"\nbatchsize = 3"));
        let expected = format!("unknown key `batchsize` of data set `{name}`, did you mean `batch_size`?");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_named_wherever_it_lies() {
    for (text, place) in [
        ("name = \"grid\"\n[video]\nsize = \"big\"", "`video.size`: "),
        ("name = \"grid\"\n[video]\nframes = -1", "`video.frames`: "),
        ("name = \"grid\"\n[video]\nframez = 3", "`video.framez`: unknown field `framez`"),
        ("name = \"manifest\"\n[modality.face]\nkind = \"video\"\ncrop = true", "`modality.face.crop`: "),
        ("name = \"manifest\"\n[modality.face]\nkind = \"video\"\nframez = 1", "`modality.face.framez`: "),
        (
            "name = \"manifest\"\n[modality.face]\nkind = \"film\"",
            "`modality.face.kind`: unknown variant `film`",
        ),
        ("name = \"features\"\ntokens = 3", "`tokens`: "),
        ("name = \"grid\"\nfractions = [1.0]", "`fractions`: "),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(place), "{text}: {message}");
    }
}
