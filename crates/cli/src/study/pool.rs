//! Runs side by side, each in a process of its own.
//!
//! Processes and not threads: a run that dies takes no other with it, its
//! memory can be measured, and two runs on one core each are faster than one
//! after the other on two, because small networks leave a second core idle.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::display::Display;
use super::job::Job;
use super::memory::Memory;
use crate::exit::{Code, Failure};

/// Where and how runs are made.
pub struct Pool<'a> {
    /// The study's folder.
    pub folder: &'a Path,
    /// Folder that relative paths of the configurations start from.
    pub base: &'a Path,
    /// Runs at once, at most.
    pub jobs: usize,
    /// Threads of each, if that is to be said.
    pub threads: Option<usize>,
    /// The command that starts each, as a shell reads it; none starts them here.
    pub launcher: Option<&'a str>,
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
                    Some(End::Failed(code @ (126 | 127), said)) if self.launcher.is_some() => {
                        trouble.get_or_insert_with(|| self.not_launched(job, code, &said));
                    }
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

    /// A command that cannot be started for one run cannot for the others.
    fn not_launched(&self, job: &Job, code: i32, said: &str) -> Failure {
        let launcher = self.launcher.unwrap_or_default();
        let said = if said.is_empty() { "it said nothing" } else { said };
        let message = format!(
            "--launcher: `{launcher} counterpoint train ..` cannot be started for {} (exit code {code}): {said}; give a \
             command that runs what follows it, and where it runs the same path of counterpoint",
            job.title
        );
        Failure::new(Code::Usage, message)
    }

    fn start(
        &self,
        index: usize,
        job: &Job,
        sender: &mpsc::Sender<(usize, std::io::Result<Output>)>,
    ) -> Result<Running, Failure> {
        job.write(self.folder)?;
        let program = self.program.map_or_else(std::env::current_exe, |program| Ok(program.to_owned()));
        let program = program.map_err(|e| Failure::io("find", Path::new("counterpoint"), &e))?;
        let mut command = match self.launcher {
            None => Command::new(&program),
            // The shell takes the launcher's words apart and hands it those of the run as they are.
            Some(launcher) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{launcher} \"$@\"")).arg("sh").arg(&program);
                shell
            }
        };
        if let Some(threads) = self.threads {
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        command
            .args(job.arguments(self.folder, self.base))
            .arg("--supervised")
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
}

/// How a process ended; `None` if it was asked to stop.
fn end(output: std::io::Result<Output>) -> Option<End> {
    let output = match output {
        Ok(output) => output,
        Err(error) => return Some(End::Failed(Code::Bug as i32, format!("cannot wait for it: {error}"))),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let ours = said.lines().rev().find_map(|line| line.strip_prefix("error: "));
    // What a launcher says has its own form.
    let message =
        ours.or_else(|| said.lines().rev().find(|line| !line.trim().is_empty())).unwrap_or_default();
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
