//! `counterpoint doctor` on a set with planted faults.

mod support;

use std::fs;

use support::Toy;

#[test]
fn planted_faults_are_found_by_name() {
    let toy = Toy::new();
    let said = toy.run(&["doctor", "toy.toml", "--sheet", "sheet.html"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("every file can be used") && said.out.contains("classes (train/val/test)"),
        "{}",
        said.out
    );
    assert!(said.out.contains("8000 Hz") && said.out.contains("train mean ["), "{}", said.out);

    let path = |name: &str| toy.dir.join(name);
    // 0 to 3 are of the train split, 4 and 5 of validation, 6 and 7 of the test.
    let whole = fs::read(path("0.wav")).unwrap();
    fs::write(path("0.wav"), &whole[..whole.len() / 2]).unwrap();
    fs::write(path("1.wav"), "version https://git-lfs.github.com/spec/v1\n").unwrap();
    fs::write(path("2.png"), "<!DOCTYPE html><p>not found</p>").unwrap();
    let mut silent = fs::read(path("3.wav")).unwrap();
    silent[44..].fill(0);
    fs::write(path("3.wav"), silent).unwrap();
    fs::remove_file(path("4.png")).unwrap();
    fs::copy(path("8.wav"), path("6.wav")).unwrap();

    let said = toy.run(&["doctor", "toy.toml", "--json"]);
    assert_eq!(said.code, 4, "{}", said.err);
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let found: Vec<String> = value["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let text = |key: &str| f[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("sample"), text("modality"), text("found"))
        })
        .collect();
    for expected in [
        "clip0 audio unusable",
        "clip1 audio unusable",
        "clip2 image unusable",
        "clip3 audio silent",
        "clip4 image unusable",
    ] {
        assert!(found.iter().any(|f| f == expected), "{expected}: {found:?}");
    }
    assert_eq!(value["ok"], false);
    let said = toy.run(&["doctor", "clips.csv"]);
    assert_eq!(said.code, 4);
    assert!(said.out.contains("git lfs pull") && said.out.contains("a web page"), "{}", said.out);
    assert!(said.out.contains("leak: modality audio"), "{}", said.out);

    let said = toy.run(&["doctor", "toy.toml", "--sheet", "sheet.html"]);
    assert!(said.code == 2 && said.err.contains("--force"), "{}", said.err);
    let said = toy.run(&["doctor", "toy.toml", "--sheet", "sheet.html", "--force"]);
    assert_eq!(said.code, 4, "the page is written all the same");
    let page = fs::read_to_string(path("sheet.html")).unwrap();
    assert!(page.contains("data:image/png;base64,") && page.contains("class=\"found\""));
    assert!(page.find("clip0").unwrap() < page.find("Others, at even distances").unwrap());
}
