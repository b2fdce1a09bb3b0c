//! `counterpoint sweep`.

use std::collections::BTreeSet;
use std::path::Path;

use counterpoint_data::RngKey;
use counterpoint_report::plot::{Axis, LinePlot, Series};
use counterpoint_report::record::{Choice, Metric, Study};
use counterpoint_report::statistics::Summary;
use toml::{Table, Value};

use super::compare::{conduct, default_out};
use super::print;
use crate::args::Sweep;
use crate::config;
use crate::exit::{Code, Failure};
use crate::folder;
use crate::study::{Method, References, Spec, seeds};

/// A key and what it may be.
struct Axes {
    key: String,
    domain: Domain,
}

enum Domain {
    List(Vec<Value>),
    Range { low: f64, high: f64, logarithm: bool },
}

/// Tries settings, chooses one on validation, and tests that one.
pub fn run(args: &Sweep) -> Result<(), Failure> {
    let axes: Vec<Axes> = args.keys.iter().map(|text| axis(text)).collect::<Result<_, _>>()?;
    let points = points(&axes, args.random.map(usize::from), args.draw_seed)?;
    let part = |point: &Vec<Value>| {
        axes.iter().zip(point).try_fold(Table::new(), |mut table, (axis, value)| {
            config::overlay(&mut table, &config::at(&axis.key, value.clone()))
                .map_err(|why| Failure::new(Code::Usage, format!("--key {}: {why}", axis.key)))?;
            Ok::<_, Failure>(table)
        })
    };
    let config = config::table_of(&args.config, &args.set)?;
    let name = config.get("strategy").and_then(|s| s.get("name")?.as_str()).unwrap_or("method").to_owned();
    let seeds = seeds(&args.seeds)?;
    let spec = Spec {
        base: config::folder_of(&args.config)?,
        baseline: name.clone(),
        probe: false,
        tune_seeds: seeds.len(),
        seeds,
        references: References::none(),
        config,
        methods: vec![Method {
            name,
            set: Table::new(),
            settings: points.iter().map(part).collect::<Result<_, _>>()?,
        }],
        variants: Vec::new(),
        settings: Vec::new(),
    };
    let out = args.out.clone().unwrap_or_else(|| default_out("sweep-", &args.config));
    let Some((study, metric)) = conduct(&spec, &out, &args.study_args)? else { return Ok(()) };
    let drawn = axes
        .iter()
        .enumerate()
        .map(|(number, axis)| plot((&study, &metric), &axes, &points, number, axis, &out));
    for file in drawn.collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        if !args.study_args.json {
            print(format!("Sensitivity: {file}"));
        }
    }
    Ok(())
}

fn axis(text: &str) -> Result<Axes, Failure> {
    let usage = |why: &str| Failure::new(Code::Usage, format!("--key {text}: {why}"));
    let (key, values) =
        text.split_once('=').ok_or_else(|| usage("expected KEY=VALUES, for example strategy.alpha=1,2,4"))?;
    if key.trim().split('.').any(str::is_empty)
        || !config::SECTIONS.contains(&key.split('.').next().unwrap_or(""))
    {
        return Err(usage(&format!(
            "a key is SECTION.NAME, with a section of {}",
            config::SECTIONS.join(", ")
        )));
    }
    let range = values.strip_prefix("log:").unwrap_or(values);
    let domain = if let Some((low, high)) = range.split_once("..") {
        let logarithm = range.len() < values.len();
        match (low.trim().parse::<f64>(), high.trim().parse::<f64>()) {
            (Ok(low), Ok(high)) if low < high && (low > 0.0 || !logarithm) && high.is_finite() => {
                Domain::Range { low, high, logarithm }
            }
            _ => {
                return Err(usage(
                    "expected two ascending numbers, for example 0.001..0.1; above 0 after log:",
                ));
            }
        }
    } else {
        // In brackets it is a list of TOML, which may hold lists and texts with commas.
        let list = match config::value_of(values) {
            Value::Array(list) => list,
            _ => values.split(',').map(|v| config::value_of(v.trim())).collect(),
        };
        if list.is_empty() || list.iter().any(|v| v.as_str() == Some("")) {
            return Err(usage("a value is empty"));
        }
        Domain::List(list)
    };
    Ok(Axes { key: key.trim().to_owned(), domain })
}

/// All combinations, or a number of them at random without repetition.
fn points(axes: &[Axes], random: Option<usize>, seed: u64) -> Result<Vec<Vec<Value>>, Failure> {
    let lists: Option<Vec<&Vec<Value>>> =
        axes.iter().map(|a| if let Domain::List(list) = &a.domain { Some(list) } else { None }).collect();
    let mut rng = RngKey::new(seed).rng();
    match (lists, random) {
        (None, None) => Err(Failure::new(
            Code::Usage,
            "a range has infinitely many values: give the number to try with --random N",
        )),
        (Some(lists), random) => {
            let mut all: Vec<Vec<Value>> = vec![Vec::new()];
            for list in lists {
                all = all
                    .into_iter()
                    .flat_map(|point| {
                        list.iter().map(move |v| [&point[..], std::slice::from_ref(v)].concat())
                    })
                    .collect();
            }
            if let Some(count) = random {
                rng.shuffle(&mut all);
                all.truncate(count);
            }
            Ok(all)
        }
        (None, Some(count)) => {
            let mut draw = |axis: &Axes| match &axis.domain {
                Domain::List(list) => list[rng.below(list.len())].clone(),
                Domain::Range { low, high, logarithm: true } => {
                    Value::Float(rng.between(low.ln(), high.ln()).exp())
                }
                Domain::Range { low, high, logarithm: false } => Value::Float(rng.between(*low, *high)),
            };
            Ok((0..count).map(|_| axes.iter().map(&mut draw).collect()).collect())
        }
    }
}

/// Validation over one key, a curve for each combination of the others; drawn
/// if the key is a number with several values.
fn plot(
    (study, metric): (&Study, &Metric),
    axes: &[Axes],
    points: &[Vec<Value>],
    number: usize,
    axis: &Axes,
    out: &Path,
) -> Result<Option<String>, Failure> {
    let Some(choice) = study.choices.first() else { return Ok(None) };
    let at = |point: &Vec<Value>| {
        point[number].as_float().or_else(|| point[number].as_integer().map(|i| i as f64))
    };
    let Some(places) = points.iter().map(at).collect::<Option<Vec<f64>>>() else { return Ok(None) };
    if places.iter().map(|p| p.to_bits()).collect::<BTreeSet<_>>().len() < 2 {
        return Ok(None);
    }
    let others = |point: &Vec<Value>| {
        let words = axes.iter().zip(point).enumerate().filter(|(i, _)| *i != number);
        words.map(|(_, (a, v))| format!("{} = {v}", a.key)).collect::<Vec<_>>().join(", ")
    };
    // Ranges give every point its own others: one curve then shows the cloud.
    let continuous = axes.iter().any(|a| matches!(a.domain, Domain::Range { .. }));
    let mut series: Vec<(String, Vec<[f64; 3]>)> = Vec::new();
    for ((point, place), scores) in points.iter().zip(&places).zip(&choice.validation) {
        let values: Vec<f64> = scores.iter().map(|s| metric.factor() * s.unwrap_or(f64::NAN)).collect();
        let summary = Summary::of(&values);
        let name = if axes.len() == 1 || continuous { "mean over seeds".to_owned() } else { others(point) };
        let one = [*place, summary.mean.unwrap_or(f64::NAN), summary.sd.unwrap_or(0.0)];
        match series.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(one),
            None => series.push((name, vec![one])),
        }
    }
    let mut horizontal = Axis::new(&axis.key);
    horizontal.log = places.iter().all(|p| *p > 0.0)
        && places.iter().copied().fold(0.0, f64::max) / places.iter().copied().fold(f64::MAX, f64::min)
            >= 50.0;
    let mut plot = LinePlot::new(
        format!("Sensitivity to {}", axis.key),
        horizontal,
        Axis::new(format!("validation {}", metric.heading())),
    );
    for (name, mut points) in series {
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let band = points.iter().map(|[x, y, sd]| [*x, y - sd, y + sd]).collect::<Vec<_>>();
        plot.series.push(Series::new(name, points.iter().map(|[x, y, _]| [*x, *y])).banded(band));
    }
    plot.description = describe(choice, &metric.title());
    let file = out.join(format!("sensitivity-{}.svg", axis.key.replace('.', "-")));
    folder::write(&file, &plot.figure().to_svg())?;
    Ok(Some(file.display().to_string()))
}

fn describe(choice: &Choice, metric: &str) -> String {
    let chosen = choice.setting.and_then(|number| choice.settings.get(number));
    format!(
        "Best {metric} of each run on validation, mean over seeds with one standard deviation; chosen: {}.",
        chosen.map_or("none", String::as_str)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_make_a_grid_and_ranges_are_drawn() {
        let axes = [axis("strategy.alpha=1,2,4").unwrap(), axis("optimizer.lr=0.1,0.2").unwrap()];
        let grid = points(&axes, None, 0).unwrap();
        assert_eq!(grid.len(), 6);
        assert_eq!(grid[1], [Value::Integer(1), Value::Float(0.2)]);
        let some = points(&axes, Some(4), 7).unwrap();
        assert_eq!(some.iter().map(|p| format!("{p:?}")).collect::<BTreeSet<_>>().len(), 4, "each only once");
        assert_eq!(some, points(&axes, Some(4), 7).unwrap());
        assert_ne!(some, points(&axes, Some(4), 8).unwrap());
        let range = [axis("optimizer.lr=log:0.001..0.1").unwrap()];
        let drawn = points(&range, Some(200), 0).unwrap();
        let low = drawn.iter().filter(|p| p[0].as_float().unwrap() < 0.01).count();
        assert!((70..130).contains(&low), "half lie below the geometric middle, not {low} of 200");
        assert!(points(&range, None, 0).is_err());
        let texts = axis("strategy.name=[\"dgl\", \"joint\"]").unwrap();
        assert!(matches!(texts.domain, Domain::List(list) if list.len() == 2));
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [
            "alpha",
            "alpha=1",
            "strategy.alpha=",
            "strategy.alpha=1,,2",
            "optimizer.lr=log:0..1",
            "optimizer.lr=3..1",
        ] {
            assert!(axis(wrong).is_err(), "{wrong}");
        }
    }
}
