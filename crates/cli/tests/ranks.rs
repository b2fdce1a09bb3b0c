//! One model trained by several processes.

mod support;

#[cfg(not(feature = "mpi"))]
mod refused {
    use crate::support::{Toy, said};

    #[test]
    fn several_processes_that_cannot_speak_with_each_other_are_refused() {
        let toy = Toy::new();
        let launched = |more: &[&str]| {
            let args = [&["train", "toy.toml", "--out", "run", "--set", "train.epochs=1"], more].concat();
            let mut command = toy.command(&args);
            said(command.env("OMPI_COMM_WORLD_SIZE", "2").output().unwrap())
        };
        let refused = launched(&[]);
        assert_eq!(refused.code, 2, "{}", refused.err);
        for part in ["started 2 processes", "--features mpi", "--alone"] {
            assert!(refused.err.contains(part), "{}", refused.err);
        }
        assert!(!toy.dir.join("run").exists());
        let alone = launched(&["--alone"]);
        assert_eq!(alone.code, 0, "{}", alone.err);
    }
}

#[cfg(feature = "mpi")]
mod job {
    use std::fs;
    use std::path::Path;
    use std::process::{Child, Command, Output, Stdio};
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread;
    use std::time::{Duration, Instant};

    use counterpoint::peers::{Peers, Synchronised, Threads};
    use counterpoint_cli::config;
    use counterpoint_cli::run::{Run, RunOptions};

    use crate::support::{Toy, document, said};

    /// Jobs of several tests at once would be many more processes than cores.
    static ONE: Mutex<()> = Mutex::new(());

    fn one_at_a_time() -> MutexGuard<'static, ()> {
        ONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `mpirun` over the command, wherever it is and whoever runs it.
    fn launched(toy: &Toy, ranks: usize, args: &[&str]) -> Command {
        let mut command = Command::new("mpirun");
        command.current_dir(&toy.dir).args([
            "--oversubscribe",
            "--bind-to",
            "none",
            "-n",
            &ranks.to_string(),
        ]);
        command.arg(env!("CARGO_BIN_EXE_counterpoint")).args(args);
        // Ranks that wait let others compute; there are more of them than cores.
        command.env("OMPI_MCA_mpi_yield_when_idle", "1");
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn train(toy: &Toy, ranks: usize, out: &str, more: &[&str]) -> Command {
        launched(
            toy,
            ranks,
            &[&["train", "toy.toml", "--out", out, "--resume", "--set", "train.threads=1"], more].concat(),
        )
    }

    fn finish(command: &mut Command) -> crate::support::Said {
        let ended = said(command.output().expect("mpirun is there where the feature is tested"));
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended
    }

    fn bits(toy: &Toy, run: &str) -> [Vec<u8>; 2] {
        ["last", "best"].map(|name| toy.bytes(&format!("{run}/checkpoints/{name}.safetensors")))
    }

    fn events(toy: &Toy, run: &str) -> Vec<String> {
        let text = String::from_utf8(toy.bytes(&format!("{run}/metrics.jsonl"))).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let epochs = events.filter(|event| event["event"] == "epoch");
        epochs.map(|e| format!("{} {} {} {}", e["epoch"], e["samples"], e["val"], e["losses"])).collect()
    }

    /// The same run on ranks that are threads of this process.
    fn on_threads(toy: &Toy, ranks: usize, out: &str, batch_norm: &str) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for peers in Threads::of(ranks) {
                let stop = &stop;
                scope.spawn(move || {
                    let sets = ["train.threads=0".to_owned(), format!("train.batch_norm={batch_norm}")];
                    let loaded = config::load(&toy.dir.join("toy.toml"), &sets).unwrap();
                    let run = Run::open(loaded).unwrap();
                    let rank = peers.rank();
                    let peers: Arc<dyn Peers> = match batch_norm {
                        "synchronised" => Arc::new(Synchronised::new(Arc::new(peers))),
                        _ => Arc::new(peers),
                    };
                    let peers = peers.as_ref();
                    let options = RunOptions { quiet: true, tui: false, resume: false, stop, peers };
                    let out = toy.dir.join(out);
                    match rank {
                        0 => drop(run.train(&out, &options).unwrap()),
                        _ => run.accompany(&out, &options).unwrap(),
                    }
                });
            }
        });
    }

    #[test]
    fn processes_train_what_threads_train_bit_for_bit() {
        let _one = one_at_a_time();
        let toy = Toy::new();
        let said = finish(&mut train(&toy, 2, "processes", &[]));
        on_threads(&toy, 2, "threads", "local");
        assert_eq!(bits(&toy, "processes"), bits(&toy, "threads"));
        assert_eq!(events(&toy, "processes"), events(&toy, "threads"));
        // One of them speaks and writes, and says how many they were.
        assert_eq!(said.out.matches("validation split").count(), 1, "{}", said.out);
        let log = String::from_utf8(toy.bytes("processes/metrics.jsonl")).unwrap();
        assert!(log.contains("\"ranks\":\"2\""), "{log}");
        assert_eq!(log.matches("\"event\":\"start\"").count(), 1);
        finish(&mut train(&toy, 2, "again", &[]));
        assert_eq!(bits(&toy, "processes"), bits(&toy, "again"));
    }

    #[test]
    fn batch_norm_over_all_ranks_trains_what_one_process_trains() {
        let _one = one_at_a_time();
        let toy = Toy::new();
        // Batches of five samples and of two: one of three ranks has none of those.
        toy.edit("toy.toml", "batch_size = 4", "batch_size = 5");
        let set = ["--set", "train.batch_norm=synchronised"];
        finish(&mut train(&toy, 3, "processes", &set));
        on_threads(&toy, 3, "threads", "synchronised");
        assert_eq!(bits(&toy, "processes"), bits(&toy, "threads"));
        finish(&mut train(&toy, 1, "alone", &set));
        finish(&mut train(&toy, 3, "local", &[]));
        // What other devices compute, here by Burn's functions for the CPU.
        let burn = [&set[..], &["--set", "engine.convolution=burn"]].concat();
        finish(&mut train(&toy, 3, "burn", &burn));
        finish(&mut train(&toy, 1, "burn-alone", &burn));
        let values = |run: &str| {
            let path = toy.dir.join(format!("{run}/checkpoints/last.safetensors"));
            let all = counterpoint::weights::read(&path).unwrap().into_iter();
            let weights = all.filter(|(name, _)| !name.contains('/'));
            weights.flat_map(|(_, array)| array.values).map(f64::from).collect::<Vec<_>>()
        };
        let apart = |a: &str, b: &str| {
            let (a, b) = (values(a), values(b));
            assert_eq!(a.len(), b.len());
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
            norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut a.iter().copied())
        };
        let [same, burn] = [apart("alone", "processes"), apart("burn-alone", "burn")];
        assert!(same < 1e-5 && burn < 1e-5, "{same} {burn}");
        assert!(apart("alone", "local") > 1e-3);
    }

    #[test]
    fn another_number_of_ranks_continues() {
        let _one = one_at_a_time();
        let toy = Toy::new();
        finish(&mut train(&toy, 2, "run", &["--set", "train.epochs=2"]));
        let more = toy.run(&["train", "toy.toml", "--out", "run", "--resume"]);
        assert_eq!(more.code, 0, "{}", more.err);
        finish(&mut train(&toy, 3, "run", &["--set", "train.epochs=6", "--test"]));
        assert_eq!(events(&toy, "run").len(), 7, "the untrained model and six epochs");
    }

    /// The processes that `mpirun` started.
    fn children(of: &Child) -> Vec<String> {
        let listed = Command::new("pgrep").args(["-P", &of.id().to_string()]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn ended(mut job: Child, within: Duration) -> Output {
        let begun = Instant::now();
        while job.try_wait().unwrap().is_none() {
            if begun.elapsed() > within {
                job.kill().unwrap();
                panic!("the job hangs: {:?}", job.wait_with_output());
            }
            thread::sleep(Duration::from_millis(20));
        }
        job.wait_with_output().unwrap()
    }

    const LONG: [&str; 5] = ["--quiet", "--set", "train.epochs=60", "--set", "train.checkpoint_steps=2"];

    #[test]
    fn a_rank_that_is_killed_ends_the_job_and_the_same_command_continues_it() {
        let _one = one_at_a_time();
        let toy = Toy::new();
        finish(&mut train(&toy, 2, "whole", &LONG));
        let checkpoint = toy.dir.join("killed/checkpoints/last.safetensors");
        let written = || fs::metadata(&checkpoint).and_then(|file| file.modified()).ok();
        let mut kills = 0;
        for round in 0..5_u64 {
            let before = written();
            let mut job = train(&toy, 2, "killed", &LONG).spawn().unwrap();
            while written() == before && job.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            // Another place each time: within a step, an epoch, a file that is written.
            thread::sleep(Duration::from_millis(7 * round));
            if let Some(rank) = children(&job).get(round as usize % 2) {
                kills += usize::from(Command::new("kill").args(["-9", rank]).status().unwrap().success());
            }
            ended(job, Duration::from_secs(60));
        }
        assert!(kills >= 2, "the job ended before a rank could be killed");
        finish(&mut train(&toy, 2, "killed", &LONG));
        assert_eq!(bits(&toy, "whole"), bits(&toy, "killed"));
        assert_eq!(events(&toy, "whole"), events(&toy, "killed"));
    }

    #[test]
    fn an_error_on_one_rank_ends_the_job_with_its_message_and_code() {
        let _one = one_at_a_time();
        let toy = Toy::new();
        let job =
            train(&toy, 2, "run", &["--quiet", "--set", "train.epochs=10000", "--set", "data.cache_mb=0"])
                .spawn()
                .unwrap();
        let begun = Instant::now();
        while !toy.dir.join("run/checkpoints/last.safetensors").exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "training never began");
            thread::sleep(Duration::from_millis(10));
        }
        fs::remove_file(Path::new(&toy.path("0.wav"))).unwrap();
        let ended = said(ended(job, Duration::from_secs(60)));
        assert_eq!(ended.code, 4, "{}", ended.err);
        assert!(ended.err.contains("0.wav"), "{}", ended.err);
    }

    #[test]
    fn what_all_ranks_refuse_is_said_once() {
        let _one = one_at_a_time();
        let toy = Toy::new();
        let refused = said(train(&toy, 3, "run", &["--set", "train.epochs=0"]).output().unwrap());
        assert_eq!(refused.code, 3, "{}", refused.err);
        assert_eq!(refused.err.matches("train.epochs").count(), 1, "{}", refused.err);
        assert!(!toy.dir.join("run").exists());
    }

    /// A program of its own on the path of the scripts.
    fn program(toy: &Toy, name: &str, text: &str) {
        toy.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{text}\n"));
        let path = toy.path(&format!("bin/{name}"));
        assert!(Command::new("chmod").args(["+x", &path]).status().unwrap().success());
    }

    #[test]
    fn the_scripts_of_the_documentation_run() {
        let _one = one_at_a_time();
        let toy = Toy::new();
        let found = Command::new("sh").args(["-c", "command -v mpirun"]).output().unwrap();
        let mpirun = String::from_utf8(found.stdout).unwrap().trim().to_owned();
        fs::create_dir(toy.dir.join("bin")).unwrap();
        program(&toy, "counterpoint", &format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_counterpoint")));
        program(&toy, "mpirun", &format!("exec {mpirun} --oversubscribe --bind-to none \"$@\""));
        // As many tasks as the script asks for.
        program(&toy, "sbatch", "export TASKS=$(sed -n 's/^#SBATCH --ntasks=//p' \"$1\"); exec sh -e \"$1\"");
        program(&toy, "srun", "[ \"$1\" = --mpi=pmix ] || exit 1; shift; exec mpirun -n \"$TASKS\" \"$@\"");
        let run = |script: &str| {
            let path = format!("{}:{}", toy.path("bin"), std::env::var("PATH").unwrap());
            let mut shell = Command::new("sh");
            shell.args(["-e", "-c", script]).current_dir(&toy.dir).env("PATH", path);
            shell.env("OMPI_MCA_mpi_yield_when_idle", "1");
            finish(shell.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"))
        };
        for block in document::blocks("docs/ranks.md") {
            match (block.file, block.language.as_str()) {
                (Some(file), "sh") => toy.write(&file, &block.text),
                (Some(_), _) => {
                    let line = block.text.lines().find_map(|line| line.trim().strip_prefix("command: "));
                    let words: Vec<String> = serde_json::from_str(line.unwrap()).unwrap();
                    drop(run(&words.join(" ")));
                }
                (None, _) => drop(run(&block.text)),
            }
        }
        for out in ["two", "slurm", "job"] {
            let log = String::from_utf8(toy.bytes(&format!("runs/{out}/metrics.jsonl"))).unwrap();
            assert!(log.contains("\"ranks\":\"2\"") && log.contains("finished"), "{out}: {log}");
        }
    }
}
