//! Runs side by side, each in a process of its own.
//!
//! Processes and not threads: a run that dies takes no other with it, its
//! memory can be measured, and two runs on one core each are faster than one
//! after the other on two, because small networks leave a second core idle.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::display::Display;
use super::memory::Memory;
use crate::config::Config;
use crate::exit::{Code, Failure};

/// One run to be made.
pub struct Job {
    /// Its folder, relative to the study's.
    pub place: String,
    /// Its configuration.
    pub config: Config,
    /// Runs of one kind need the same memory.
    pub kind: String,
    /// Name for people.
    pub title: String,
    /// Whether its test split is opened at the end.
    pub test: bool,
}

/// Where and how runs are made.
pub struct Pool<'a> {
    /// The study's folder.
    pub folder: &'a Path,
    /// Folder that relative paths of the configurations start from.
    pub base: &'a Path,
    /// Runs at once, at most.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
    /// Whether a look at the test split includes linear probes.
    pub probe: bool,
    /// Set from outside to stop all runs after their current step.
    pub stop: &'a AtomicBool,
    /// The program that trains a run; this one if none is given.
    pub program: Option<&'a Path>,
}

/// How a run ended that was not interrupted.
pub enum End {
    /// As planned.
    Finished,
    /// With an exit code and a message.
    Failed(i32, String),
}

struct Running {
    job: usize,
    /// Closing it tells the process to stop after its step.
    keep: Option<ChildStdin>,
    pid: u32,
    begun: Instant,
}

impl Pool<'_> {
    /// Makes all runs and tells of each when it ended.
    ///
    /// # Errors
    /// If a run cannot be started, `done` fails, or all was stopped; then every
    /// process has ended before this returns.
    pub fn run(
        &self,
        jobs: &[Job],
        memory: &mut Memory,
        display: &mut Display,
        done: &mut dyn FnMut(&Job, End) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::channel();
        let mut waiting: VecDeque<usize> = (0..jobs.len()).collect();
        let mut running: Vec<Running> = Vec::new();
        let mut trouble: Option<Failure> = None;
        loop {
            if self.stop.load(Ordering::Relaxed) && trouble.is_none() {
                trouble = Some(self.interrupted());
            }
            if trouble.is_some() {
                waiting.clear();
                running.iter_mut().for_each(|r| drop(r.keep.take()));
            }
            while let Some(&next) = waiting.front() {
                let now: Vec<_> =
                    running.iter().map(|r| (jobs[r.job].kind.as_str(), r.pid, r.begun)).collect();
                if running.len() >= self.jobs || !memory.allows(&jobs[next].kind, &now) {
                    break;
                }
                waiting.pop_front();
                match self.start(next, &jobs[next], &sender) {
                    Ok(one) => {
                        display.begin(&jobs[next], self.folder);
                        running.push(one);
                    }
                    Err(failure) => trouble = Some(failure),
                }
            }
            if running.is_empty() && (waiting.is_empty() || trouble.is_some()) {
                return trouble.map_or(Ok(()), Err);
            }
            if let Ok((job, output)) = receiver.recv_timeout(Duration::from_millis(200)) {
                running.retain(|r| r.job != job);
                let job = &jobs[job];
                memory.learn(&job.kind, &self.folder.join(&job.place));
                match end(output) {
                    Some(end) => {
                        display.end(job, self.folder, &end);
                        if let Err(failure) = done(job, end) {
                            trouble.get_or_insert(failure);
                        }
                    }
                    // Somebody stopped this one run; all go with it.
                    None => drop(trouble.get_or_insert_with(|| self.interrupted())),
                }
            }
            display.refresh(self.folder);
        }
    }

    fn interrupted(&self) -> Failure {
        Failure::new(
            Code::Interrupted,
            format!("interrupted; the same command continues {}", self.folder.display()),
        )
    }

    fn start(
        &self,
        index: usize,
        job: &Job,
        sender: &mpsc::Sender<(usize, std::io::Result<Output>)>,
    ) -> Result<Running, Failure> {
        let given = self.given(job)?;
        let program = self.program.map_or_else(std::env::current_exe, |program| Ok(program.to_owned()));
        let program = program.map_err(|e| Failure::io("find", Path::new("counterpoint"), &e))?;
        let mut command = Command::new(&program);
        command
            .arg("train")
            .arg(&given)
            .arg("--base")
            .arg(self.base)
            .arg("--out")
            .arg(self.folder.join(&job.place))
            .args(["--resume", "--quiet", "--supervised"])
            .args(job.test.then_some("--test"))
            .args((job.test && self.probe).then_some("--probe"))
            .env("RAYON_NUM_THREADS", self.threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child: Child = command.spawn().map_err(|e| Failure::io("start", &program, &e))?;
        let (keep, pid) = (child.stdin.take(), child.id());
        let sender = sender.clone();
        std::thread::spawn(move || {
            let output = child.wait_with_output();
            // The receiver lives as long as anything runs.
            let _ = sender.send((index, output));
        });
        Ok(Running { job: index, keep, pid, begun: Instant::now() })
    }

    /// Writes the configuration of a run; with it the run can be repeated by hand.
    fn given(&self, job: &Job) -> Result<PathBuf, Failure> {
        let path = self.folder.join(job.place.replacen("runs", "configs", 1)).with_added_extension("toml");
        let folder = path.parent().unwrap_or(self.folder);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, job.config.to_toml()))
            .map_err(|e| Failure::io("write", &path, &e))?;
        Ok(path)
    }
}

/// How a process ended; `None` if it was asked to stop.
fn end(output: std::io::Result<Output>) -> Option<End> {
    let output = match output {
        Ok(output) => output,
        Err(error) => return Some(End::Failed(Code::Bug as i32, format!("cannot wait for it: {error}"))),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let message = said.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or_default();
    match output.status.code() {
        Some(0) => Some(End::Finished),
        Some(code) if code == Code::Interrupted as i32 => None,
        Some(code) => Some(End::Failed(code, message.to_owned())),
        None => {
            let why = format!("killed ({}); if memory ran out, give a smaller --memory-gb", output.status);
            Some(End::Failed(Code::Bug as i32, why))
        }
    }
}
