//! Configurations, and models that strategies refuse.

use counterpoint::catalog::Catalog;
use counterpoint::strategy::{
    AgmConfig, Dgl, GBlendConfig, MlaConfig, MmParetoConfig, ModelFacts, OgmConfig, ReconBoostConfig,
    StrategyConfig, StrategySettings,
};
use counterpoint::task::TaskKind;

use crate::run::{Run, configs};

#[test]
fn strategies_refuse_models_they_are_not_defined_for_by_name() {
    let run = Run::new(2, 1, false);
    let facts = ModelFacts {
        modalities: run.names(),
        unimodal_heads: false,
        additive: false,
        shared_head: false,
        task: TaskKind::Classification,
        convolutions: vec![false, false],
    };
    let check = |config: StrategyConfig, facts: &ModelFacts| config.build(&run.names()).unwrap().check(facts);
    for (config, names) in [
        (StrategyConfig::from(GBlendConfig::default()), ["gblend", "unimodal_heads"]),
        (StrategyConfig::from(MmParetoConfig::default()), ["mmpareto", "unimodal_heads"]),
        (StrategyConfig::from(MlaConfig::default()), ["mla", "shared"]),
        (StrategyConfig::from(ReconBoostConfig::default()), ["reconboost", "additive"]),
        (StrategyConfig::from(OgmConfig::default()), ["ogm", "zero-fill"]),
    ] {
        let message = check(config, &facts).unwrap_err().to_string();
        assert!(names.iter().all(|name| message.contains(name)), "{message}");
    }
    let able = ModelFacts { unimodal_heads: true, additive: true, shared_head: true, ..facts };
    let message = check(StrategyConfig::from(OgmConfig::default()), &able).unwrap_err().to_string();
    assert!(message.contains("m0") && message.contains("tensors"), "{message}");
    for (config, _) in configs() {
        assert!(check(config.clone(), &able).is_ok(), "{config:?}");
        assert_eq!(
            config.wants_unimodal_heads(),
            config.is::<MmParetoConfig>()
                || config.get().is_some_and(|blend: &GBlendConfig| blend.over.is_none())
        );
    }
}

#[test]
fn strategies_admit_the_tasks_they_are_defined_for_and_refuse_the_others_by_both_names() {
    let run = Run::new(2, 1, false);
    let every =
        [TaskKind::Classification, TaskKind::Regression, TaskKind::Multilabel, TaskKind::Segmentation];
    for (config, name) in configs() {
        let admitted = match config.name() {
            "pmr" | "mla" | "relearn" | "reconboost" => &every[..1],
            "noise" if config.over().is_some_and(|over| over.name() == "mla") => &every[..1],
            "dgl" if config.get().is_some_and(|dgl: &Dgl| dgl.gate.is_some()) => &every[..3],
            "ogm" => &[TaskKind::Classification, TaskKind::Segmentation],
            _ => &every[..],
        };
        for task in every {
            let facts = ModelFacts {
                modalities: run.names(),
                unimodal_heads: true,
                additive: true,
                shared_head: true,
                task,
                convolutions: vec![true; 2],
            };
            match config.build(&run.names()).unwrap().check(&facts) {
                Ok(()) => assert!(admitted.contains(&task), "{name} {task:?}"),
                Err(error) => {
                    assert!(!admitted.contains(&task), "{name} {task:?}");
                    assert!(error.to_string().contains(task.name()), "{error}");
                }
            }
        }
    }
}

#[test]
fn shared_heads_serve_models_that_have_none_of_their_own() {
    let run = Run::new(2, 1, false);
    let facts = ModelFacts {
        modalities: run.names(),
        unimodal_heads: false,
        additive: false,
        shared_head: false,
        task: TaskKind::Segmentation,
        convolutions: vec![true; 2],
    };
    for text in [r#"{"name": "gblend", "heads": "HEADS"}"#, r#"{"name": "mmpareto", "heads": "HEADS"}"#] {
        let read =
            |heads: &str| serde_json::from_str::<StrategyConfig>(&text.replace("HEADS", heads)).unwrap();
        let check = |config: &StrategyConfig| config.build(&run.names()).unwrap().check(&facts);
        assert!(!read("shared").wants_unimodal_heads() && check(&read("shared")).is_ok());
        assert!(read("own").wants_unimodal_heads());
        let message = check(&read("own")).unwrap_err().to_string();
        assert!(message.contains("heads = \"shared\""), "{message}");
    }
}

#[test]
fn configurations_read_defaults_and_refuse_unknown_keys() {
    let read = |text: &str| serde_json::from_str::<StrategyConfig>(text);
    assert_eq!(read(r#"{"name": "ogm"}"#).unwrap(), StrategyConfig::from(OgmConfig::default()));
    let agm = read(r#"{"name": "agm", "alpha": 2.5, "until": 20}"#).unwrap();
    assert_eq!(agm, StrategyConfig::from(AgmConfig { alpha: 2.5, until: Some(20), detached: false }));
    let catalog = Catalog::<dyn StrategySettings>::current();
    for name in catalog.entries().iter().map(|entry| entry.name) {
        let config = read(&format!(r#"{{"name": "{name}"}}"#)).unwrap();
        assert_eq!(config.name(), name);
        assert_eq!(read(&serde_json::to_string(&config).unwrap()).unwrap(), config);
        let refused = read(&format!(r#"{{"name": "{name}", "xyz": 1}}"#)).unwrap_err().to_string();
        assert!(refused.contains(&format!("unknown key `xyz` of strategy `{name}`")), "{refused}");
    }
    let refused = |text: &str| read(text).unwrap_err().to_string();
    assert!(refused(r#"{"name": "agm", "alhpa": 1}"#).contains("did you mean `alpha`?"));
    assert!(refused(r#"{"name": "dlg"}"#).contains("unknown strategy `dlg`, did you mean `dgl`?"));
    assert!(refused(r#"{"name": "agm", "alpha": "much"}"#).starts_with("`alpha`: invalid type"));
}
