//! `counterpoint leaks`.

use serde_json::json;

use super::{print, print_json};
use crate::args::Leaks;
use crate::exit::{Code, Failure};
use crate::watch::reading;
use crate::{config, leaks};

/// Says which groups and contents are in two splits, or twice in one.
pub fn run(args: &Leaks) -> Result<(), Failure> {
    let loaded = config::load(&args.config, &args.set)?;
    let splits = loaded.config.data.open_watched(&loaded.base, &reading::progress(args.json))?;
    let found = splits.leaks_decoded(rayon::current_num_threads())?;
    if args.json {
        let groups: Vec<_> =
            found.groups.iter().map(|g| json!({"name": g.name, "samples": g.samples})).collect();
        let duplicates: Vec<_> = found
            .duplicates
            .iter()
            .map(|d| json!({"modality": d.modality, "splits": d.parts(), "samples": d.samples}))
            .collect();
        print_json(
            &json!({"leak": found.cross(), "grouped": found.grouped, "groups": groups, "duplicates": duplicates}),
        );
    } else {
        for (leak, words) in leaks::words(&found) {
            print(format!("{}: {words}", if leak { "leak" } else { "note" }));
        }
        if !found.cross() {
            print("ok: no group and no file content is in two splits");
        }
    }
    if args.strict && found.cross() {
        return Err(Failure::new(
            Code::Data,
            "groups or file contents are in two splits; split by group (split_by) and remove duplicates",
        ));
    }
    Ok(())
}
