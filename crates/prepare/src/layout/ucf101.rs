//! UCF-101 and what is laid out as it: a folder per class, lists of train and test.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint_data::set::Part;

use super::{Layout, Listing, Words};
use crate::clip::Clip;
use crate::error::PrepareError;
use crate::folder::{Folder, Index};
use crate::problem::{Finding, Problem};

/// UCF-101.
pub struct Ucf101;

impl Layout for Ucf101 {
    fn name(&self) -> &'static str {
        "ucf101"
    }

    fn words(&self) -> Words {
        Words {
            summary: "UCF-101: 13,320 clips of 101 actions; half of the classes have sound",
            files: "a folder per class, ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi, in any folders below",
            labels: "the folder",
            splits: "trainlist01.txt and testlist01.txt (of the three divisions the first); validation is carved from \
                     train by whole groups",
            groups: "the scene: class and gNN of the name",
        }
    }

    fn list(&self, folder: &Folder, _: bool) -> Result<Listing, PrepareError> {
        let index = Index::new(folder.files(), |_| true);
        let mut listing = Listing::default();
        let mut published: BTreeMap<String, Part> = BTreeMap::new();
        for (name, part) in [("trainlist01.txt", Part::Train), ("testlist01.txt", Part::Test)] {
            let Some(list) = folder.find(name) else { continue };
            for line in folder.lines(&list)?.iter().filter(|line| !line.trim().is_empty()) {
                // The training list has the number of the class after the name.
                let file = line.split_whitespace().next().unwrap_or_default();
                let id = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
                if published.insert(id.clone(), part).is_some_and(|before| before != part) {
                    return Err(PrepareError::data(format!(
                        "`{}` names `{id}`, which is in the other list, too; every clip must be in one split only",
                        folder.root().join(&list).display()
                    )));
                }
            }
            listing.lists.push(list);
        }
        for id in index.names() {
            let file = index.files(id).first().cloned().unwrap_or_default();
            let label =
                file.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
            let problem = match (label, published.get(id), index.sources(id)) {
                (None, ..) => {
                    let expected = "a folder per class".into();
                    Problem::left_out(id, file, Finding::Name { expected })
                }
                (_, None, _) if !published.is_empty() => Problem::left_out(id, file, Finding::Unlisted),
                (_, _, Err(problem)) => problem,
                (Some(label), part, Ok(sources)) => {
                    let scene = id.split('_').find(|part| {
                        part.strip_prefix('g')
                            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
                    });
                    listing.clips.push(Clip {
                        id: id.to_owned(),
                        sources,
                        group: scene.map(|scene| format!("{label}_{scene}")),
                        label,
                        part: part.copied(),
                        cells: Vec::new(),
                    });
                    continue;
                }
            };
            listing.problems.push(problem);
        }
        let missing = published.keys().filter(|id| index.files(id).is_empty());
        listing.problems.extend(missing.map(|id| Problem::left_out(id, "", Finding::Missing)));
        Ok(listing)
    }
}
