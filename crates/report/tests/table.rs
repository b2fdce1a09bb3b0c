//! One table, five outputs, and names that try to break out of them.

use counterpoint_report::{
    statistics::{Interval, Method, Summary},
    table::{Better, Cell, Column, Table, TextStyle},
};

fn results() -> Table {
    let mut table = Table::new([
        Column::new("method"),
        Column::new("accuracy, %").best(Better::Higher),
        Column::new("gap"),
        Column::new("seconds").best(Better::Lower),
    ])
    .captioned("Results");
    let interval = Interval { low: 0.017, high: 0.041, level: 0.95, method: Method::StudentT };
    table.row([
        Cell::text("joint"),
        Cell::spread(&Summary::of(&[0.952, 0.958]), 100.0, 1),
        Cell::none(),
        Cell::number(17.0, 0),
    ]);
    table.row([
        Cell::text("dgl 日本"),
        Cell::spread(&Summary::of(&[0.987]), 100.0, 1),
        Cell::range(0.029, Some(interval), 100.0, 1),
        Cell::number(18.4, 0),
    ]);
    table.row([Cell::text("gone"), Cell::spread(&Summary::of(&[f64::NAN]), 100.0, 1)]);
    table.note("Two seeds.");
    table
}

#[test]
fn text() {
    assert_eq!(
        results().to_text(TextStyle::default()),
        "\
Results
method         accuracy, %             gap  seconds
--------  ----------------  --------------  -------
joint          95.5 ± 0.4                –      17*
dgl 日本             98.7*  2.9 [1.7, 4.1]      18
gone      – (not defined)                –       –
* best
Two seeds.
"
    );
}

#[test]
fn ansi_marks_add_no_columns() {
    let plain = results().to_text(TextStyle { ansi: true, ..TextStyle::default() });
    assert!(plain.contains("\u{1b}[1m98.7\u{1b}[0m"));
    let stripped = plain.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    assert!(stripped.contains("dgl 日本"));
    assert!(!stripped.contains('\u{1b}') && !stripped.contains("* best"));
}

#[test]
fn markdown() {
    assert_eq!(
        results().to_markdown(),
        "\
**Results**

| method | accuracy, % | gap | seconds |
| --- | ---: | ---: | ---: |
| joint | 95.5 ± 0.4 | – | **17** |
| dgl 日本 | **98.7** | 2.9 \\[1.7, 4.1\\] | 18 |
| gone | – (not defined) | – | – |

Two seeds.
"
    );
}

#[test]
fn csv_keeps_every_digit() {
    let csv = results().to_csv();
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "method,\"accuracy, %\",\"accuracy, % sd\",\"accuracy, % n\",gap,gap low,gap high,seconds"
    );
    assert!(lines[1].starts_with("joint,95.5,0.424264068711"), "{}", lines[1]);
    assert!(lines[1].ends_with(",2,,,,17"));
    assert_eq!(lines[3], "gone,,,,,,,");
}

#[test]
fn latex() {
    let latex = results().to_latex();
    assert!(latex.contains("  \\begin{tabular}{lrrr}\n"));
    assert!(latex.contains("  joint & 95.5 $\\pm$ 0.4 & -- & \\textbf{17} \\\\\n"), "{latex}");
    assert!(latex.contains("2.9 {[}1.7, 4.1{]}"));
}

#[test]
fn html() {
    let html = results().to_html();
    assert!(html.contains("<caption><span>Results</span></caption>"));
    assert!(html.contains("<th scope=\"row\">joint</th><td class=\"num\">95.5 ± 0.4</td>"));
    assert!(html.contains("<strong>98.7</strong><span class=\"sr\"> (best)</span>"));
}

#[test]
fn hostile_names_stay_names() {
    let name = "<script>alert(1)</script>|*_`\\%$&#{}\"'\u{1b}[2J\n\u{202e}=x";
    let mut table = Table::new([Column::new(name), Column::new("=1+1")]).captioned(name);
    table.row([Cell::text(name), Cell::text("-cmd")]);
    table.row([Cell::text("x".repeat(100_000)), Cell::text("a,\"b\"\r\nc")]);
    table.note(name);

    let text = table.to_text(TextStyle::default());
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert!(text.lines().skip(1).take(4).all(|line| line.chars().count() <= 100));
    assert!(!table.to_html().contains("<script"));
    assert!(!table.to_markdown().contains("<script"));
    assert_eq!(table.to_markdown().lines().filter(|l| l.starts_with('|')).count(), 4);
    let csv = table.to_csv();
    assert_eq!(csv.matches("\r\n").count(), 3);
    assert!(csv.contains(",'=1+1\r\n") && csv.contains(",'-cmd\r\n") && csv.contains("\"a,\"\"b\"\"  c\""));
    let latex = table.to_latex();
    assert!(!latex.contains("_`\\%$&") && latex.contains("\\textbackslash{}\\%\\$\\&\\#\\{\\}"));
}

#[test]
fn nothing_is_shown_as_nothing() {
    let empty = Table::default();
    for text in [
        empty.to_text(TextStyle::default()),
        empty.to_markdown(),
        empty.to_csv(),
        empty.to_latex(),
        empty.to_html(),
    ] {
        assert!(text.len() < 200);
    }
    let mut one = Table::new([Column::new("a").best(Better::Higher)]);
    one.row([Cell::number(1.0, 0), Cell::number(2.0, 0)]);
    one.row([]);
    assert_eq!(one.to_text(TextStyle::default()), "a\n-\n1\n–\n");
    let mut nan = Table::new([Column::new("a").best(Better::Lower)]);
    nan.row([Cell::number(f64::NAN, 1)]);
    nan.row([Cell::number(f64::INFINITY, 1)]);
    assert_eq!(nan.to_text(TextStyle::default()), "  a\n---\n  –\ninf\n");
}

#[test]
fn values_that_read_alike_share_the_mark() {
    let mut table = Table::new([Column::new("a").best(Better::Higher)]);
    for value in [98.71, 98.74, 98.66] {
        table.row([Cell::number(value, 1)]);
    }
    table.row([Cell::number(97.0, 1)]);
    assert_eq!(table.to_text(TextStyle::default()).matches("98.7*").count(), 3);
}
