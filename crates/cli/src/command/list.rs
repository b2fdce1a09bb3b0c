//! `counterpoint list`.

use counterpoint::catalog::{Setting, unknown};
use serde_json::json;

use super::{print, print_json};
use crate::args::List;
use crate::exit::{Code, Failure};
use crate::reference::{KINDS, lines, markdown};

/// Prints all that a configuration can name, one kind, or the settings of one part.
pub fn run(args: &List) -> Result<(), Failure> {
    if args.markdown {
        print(markdown().trim_end());
        return Ok(());
    }
    let Some(kind) = &args.kind else {
        everything(args.json);
        return Ok(());
    };
    let nouns = || KINDS.iter().map(|kind| kind.noun);
    let found = KINDS.iter().find(|of| of.noun == kind).ok_or_else(|| {
        usage(unknown(&format!("unknown kind `{kind}`"), kind, &nouns().collect::<Vec<_>>()))
    })?;
    let pages = (found.pages)();
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    let page = match (&args.name, pages.as_slice()) {
        (None, [only]) if only.name.is_empty() => only,
        (None, _) => {
            let parts: Vec<(String, String)> =
                pages.into_iter().map(|page| (page.name, page.summary)).collect();
            match args.json {
                true => print_json(&json_of(&parts)),
                false => print_parts(&parts),
            }
            return Ok(());
        }
        (Some(name), [only]) if only.name.is_empty() => {
            return Err(usage(format!(
                "`{kind}` is a section without a choice: expected no name, found `{name}`"
            )));
        }
        (Some(name), _) => pages
            .iter()
            .find(|page| page.name == *name)
            .ok_or_else(|| usage(unknown(&format!("unknown {kind} `{name}`"), name, &names)))?,
    };
    let shared = found.shared();
    if args.json {
        let settings: Vec<_> = page.settings.iter().chain(&shared).map(json_of_setting).collect();
        print_json(&json!({ "name": page.name, "about": page.summary, "settings": settings }));
        return Ok(());
    }
    print(if page.name.is_empty() {
        format!("{}: {}", found.place, page.summary)
    } else {
        format!("{}: {}", page.name, page.summary)
    });
    lines(&page.settings).into_iter().for_each(print);
    if !shared.is_empty() {
        print(format!("in every {}", found.place));
        lines(&shared).into_iter().for_each(print);
    }
    Ok(())
}

fn usage(why: String) -> Failure {
    Failure::new(Code::Usage, why)
}

/// Everything by kind.
fn everything(as_json: bool) {
    let named = KINDS.iter().map(|kind| {
        let parts = (kind.pages)().into_iter().filter(|page| !page.name.is_empty());
        (kind.plural, parts.map(|page| (page.name, page.summary)).collect::<Vec<_>>())
    });
    let kinds = named.filter(|(_, parts)| !parts.is_empty());
    if as_json {
        let all = kinds.map(|(kind, parts)| (kind.to_owned(), json_of(&parts)));
        print_json(&serde_json::Value::Object(all.collect()));
        return;
    }
    for (kind, parts) in kinds {
        print(kind);
        print_parts(&parts);
    }
}

fn print_parts(parts: &[(String, String)]) {
    for (name, what) in parts {
        print(format!("  {name:<16} {what}"));
    }
}

fn json_of(parts: &[(String, String)]) -> serde_json::Value {
    parts.iter().map(|(name, what)| json!({"name": name, "about": what})).collect()
}

fn json_of_setting(setting: &Setting) -> serde_json::Value {
    let Setting { key, values, default, range, meaning } = setting;
    json!({ "key": key, "values": values, "default": default, "range": range, "meaning": meaning })
}
