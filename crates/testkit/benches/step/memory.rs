//! What steps hold in memory.

use std::process::Command;

use counterpoint::input::Inputs;
use counterpoint_testkit::device::device;

use crate::case::Case;
use crate::step;

/// Peak memory of every strategy, each measured by a process of its own.
#[expect(clippy::print_stdout, reason = "a command")]
pub fn memory(case: &Case, strategies: &[&str]) {
    println!("{}, batch {}, three steps", case.what, case.count);
    let program = std::env::current_exe().expect("a bench knows its own file");
    let mut joint = None;
    for name in strategies {
        let output = Command::new(&program).args(["peak", case.name, name]).output().expect("it runs again");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let bytes: f64 = text.trim().parse().expect("a number");
        let ratio = bytes / *joint.get_or_insert(bytes);
        println!("{name:>9}: {:8.1} MiB  {ratio:.3}", bytes / f64::from(1 << 20));
    }
}

/// Prints the most bytes that were resident during three steps.
#[expect(clippy::print_stdout, reason = "what the parent process reads")]
pub fn peak(case: &Case, strategy: &str) {
    let inputs = Inputs::new(case.batch(), &device());
    let mut state = case.train_state(strategy);
    for _ in 0..3 {
        step(&mut state, &inputs, case.task.as_ref());
    }
    println!("{}", resident("VmHWM:"));
}

/// Prints what is resident after 10, 100, 1000 and so on steps.
#[expect(clippy::print_stdout, reason = "a command")]
pub fn growth(case: &Case, strategy: &str, steps: usize) {
    let inputs = Inputs::new(case.batch(), &device());
    let mut state = case.train_state(strategy);
    println!("{}, batch {}, {strategy}", case.what, case.count);
    let mut next = 10;
    for done in 1..=steps {
        step(&mut state, &inputs, case.task.as_ref());
        if done == next || done == steps {
            println!("{done:>9} steps: {:8.1} MiB", resident("VmRSS:") as f64 / f64::from(1 << 20));
            next *= 10;
        }
    }
}

/// A number of bytes that Linux knows of this process.
fn resident(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what is resident");
    let line = status.lines().find_map(|line| line.strip_prefix(which)).expect("it is among it");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    kib * 1024
}
