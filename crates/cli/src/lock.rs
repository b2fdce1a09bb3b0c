//! One process at a time in a folder, also where several machines share its file system.
//!
//! Two files keep others out. The system's lock on `lock` is freed however its process ends, so that a killed one
//! is followed at once; but some shared file systems (NFS with `nolock`, Lustre with `localflock`, BeeGFS) keep it
//! on one machine or refuse it. `owner.json`, made with `O_EXCL`, which all of them do keep, says who works here,
//! and changes every few seconds while its process lives. Of an owner on another machine nothing else is known: it is
//! watched, and followed once it has not changed for long enough. No clocks are compared.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::exit::{Code, Failure};
use crate::output;

/// The file that the system locks.
const LOCK: &str = "lock";
/// The file that says who holds it.
const OWNER: &str = "owner.json";

/// Who works in a folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Name of the machine, for people.
    host: String,
    /// The machine: processes of equal ones share the system's locks.
    machine: String,
    /// Its process.
    process: u32,
    /// When it took the lock, by its own clock, in nanoseconds since 1970: numbers of processes come again.
    begun: u64,
    /// Counts up while the process lives.
    beat: u64,
}

impl Owner {
    /// This process.
    fn this() -> Self {
        let text = |file: &str| fs::read_to_string(file).ok().map(|text| text.trim().to_owned());
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let named = || {
            let said = std::process::Command::new("uname").arg("-n").output().ok()?;
            String::from_utf8(said.stdout).ok().map(|name| name.trim().to_owned())
        };
        let host = text("/proc/sys/kernel/hostname").or_else(|| variable("COMPUTERNAME")).or_else(named);
        let host = host.unwrap_or_default();
        // Containers of one machine have names of their own, and its locks in common.
        let machine = variable("COUNTERPOINT_MACHINE").or_else(|| text("/proc/sys/kernel/random/boot_id"));
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        let machine = machine.unwrap_or_else(|| host.clone());
        Self { host, machine, process: std::process::id(), begun, beat: 0 }
    }

    /// For people.
    pub fn words(&self) -> String {
        match self.host.is_empty() {
            true => "another process".into(),
            false => format!("process {} on {}", self.process, self.host),
        }
    }

    fn line(&self) -> String {
        serde_json::to_string(self).expect("an owner is plain data") + "\n"
    }
}

/// Who works in a folder, if anybody says so.
pub fn owner(folder: &Path) -> Option<Owner> {
    let bytes = fs::read(folder.join(OWNER)).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// How long what takes.
#[derive(Clone, Copy)]
struct Times {
    /// Between two signs of life.
    beat: Duration,
    /// Without a sign of life until an owner on another machine counts as gone.
    patience: Duration,
    /// For another one to show itself that followed the same owner.
    settle: Duration,
}

const TIMES: Times =
    Times { beat: Duration::from_secs(5), patience: Duration::from_secs(60), settle: Duration::from_secs(1) };

/// A folder that is held until this is dropped.
pub struct Lock {
    folder: PathBuf,
    owner: Owner,
    beats: Option<(Sender<()>, JoinHandle<()>)>,
    /// None where the file system has no locks.
    _system: Option<File>,
}

impl Lock {
    /// Takes the lock of a folder.
    ///
    /// # Errors
    /// With [`Code::InUse`] if another process holds it, and with [`Code::Files`] if nothing can be written there.
    pub fn take(folder: &Path) -> Result<Self, Failure> {
        Self::take_as(folder, Owner::this(), TIMES)
    }

    fn take_as(folder: &Path, mut me: Owner, times: Times) -> Result<Self, Failure> {
        let system = system(folder)?;
        let path = folder.join(OWNER);
        let failed = |e: std::io::Error| Failure::io("write to folder", folder, &e);
        let mut followed = false;
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let written = file.write_all(me.line().as_bytes()).and_then(|()| file.sync_all());
                    if let Err(error) = written {
                        let _ = fs::remove_file(&path);
                        return Err(failed(error));
                    }
                    if followed {
                        std::thread::sleep(times.settle);
                    }
                    match owner(folder) {
                        Some(now) if now == me => {}
                        now => return Err(in_use(folder, &now.unwrap_or_default())),
                    }
                    me.beat = 1;
                    let beats = Some(beat(folder.to_owned(), file, me.clone(), times.beat));
                    return Ok(Self { folder: folder.to_owned(), owner: me, beats, _system: system });
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(e)),
            }
            let before = match fs::read(&path) {
                Ok(before) => before,
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(Failure::io("read", &path, &e)),
            };
            let known: Owner = serde_json::from_slice(&before).unwrap_or_default();
            // The system would not have given its lock while a process of this machine held it.
            let gone = system.is_some() && known.machine == me.machine;
            if !gone && !watch(folder, &path, &before, &known, times)? {
                continue;
            }
            remove(&path, &before, me.process).map_err(failed)?;
            followed = true;
        }
    }

    /// Gives the folder up and leaves no file of the lock in it.
    pub fn remove(self) {
        let _ = fs::remove_file(self.folder.join(LOCK));
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.beats.take() {
            drop(stop);
            let _ = thread.join();
        }
        if owner(&self.folder).is_some_and(|now| is(&now, &self.owner)) {
            let _ = fs::remove_file(self.folder.join(OWNER));
        }
    }
}

/// Whether two notes are of one process.
fn is(a: &Owner, b: &Owner) -> bool {
    (&a.machine, a.process, a.begun) == (&b.machine, b.process, b.begun)
}

fn in_use(folder: &Path, owner: &Owner) -> Failure {
    let message =
        format!("{} is in use by {}; wait for it or choose another --out", folder.display(), owner.words());
    Failure::new(Code::InUse, message)
}

/// The system's lock; none where the file system has none.
fn system(folder: &Path) -> Result<Option<File>, Failure> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|e| Failure::io("write to folder", folder, &e))?;
    // A process that was just killed may hold its lock for a moment longer.
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if Instant::now() > patience => {
                return Err(in_use(folder, &owner(folder).unwrap_or_default()));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Waits until an owner is known to be gone; false if its note went by itself.
fn watch(folder: &Path, path: &Path, before: &[u8], known: &Owner, times: Times) -> Result<bool, Failure> {
    let (place, who, seconds) = (folder.display(), known.words(), times.patience.as_secs());
    output::say(format_args!("note: {place} is held by {who}; waiting up to {seconds} s for a sign of life"));
    let end = Instant::now() + times.patience;
    while Instant::now() < end {
        std::thread::sleep(times.beat / 10);
        match fs::read(path) {
            Ok(now) if now == before => {}
            Ok(_) => return Err(in_use(folder, known)),
            Err(_) => return Ok(false),
        }
    }
    output::say(format_args!("note: {who} gave none, so {place} is taken over"));
    Ok(true)
}

/// Removes the note of an owner that is gone, and no other one.
fn remove(path: &Path, judged: &[u8], process: u32) -> std::io::Result<()> {
    let aside = path.with_added_extension(format!("{process}.gone"));
    match fs::rename(path, &aside) {
        Ok(()) => {}
        // Somebody else removed it.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    }
    if fs::read(&aside)? == judged || path.exists() {
        return fs::remove_file(&aside);
    }
    // Whoever followed it first has it back.
    fs::rename(&aside, path)
}

/// Shows that this process lives, and ends it where another one took its place.
fn beat(folder: PathBuf, mut file: File, mut me: Owner, every: Duration) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            // A file system that does not answer for a moment takes nobody's place.
            if let Some(now) = owner(&folder).filter(|now| !now.host.is_empty() && !is(now, &me)) {
                let (place, who) = (folder.display(), now.words());
                output::say(format_args!(
                    "error: {place} was taken over by {who}, because this process gave no sign of life; it ends"
                ));
                std::process::exit(Code::InUse as i32);
            }
            // In place: the note of whoever follows is another file.
            let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(me.line().as_bytes()));
            let _ = written.and_then(|()| file.sync_data());
            me.beat += 1;
        }
    });
    (stop, thread)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Times = Times {
        beat: Duration::from_millis(50),
        patience: Duration::from_millis(1000),
        settle: Duration::from_millis(50),
    };

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("counterpoint-lock-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn on(machine: &str) -> Owner {
        Owner { host: machine.into(), machine: machine.into(), process: 7, ..Owner::default() }
    }

    #[track_caller]
    fn refused(taken: Result<Lock, Failure>, part: &str) {
        let failure = taken.map(drop).unwrap_err();
        assert_eq!(failure.parts().0, Code::InUse);
        assert!(failure.parts().1.contains(part), "{failure}");
    }

    #[test]
    fn a_living_owner_is_respected_even_without_locks_of_the_system() {
        let folder = folder("alive");
        let held = Lock::take_as(&folder, on("a"), QUICK).unwrap();
        // As on a file system that keeps locks on one machine: the other one sees a lock that nobody holds.
        fs::rename(folder.join(LOCK), folder.join("elsewhere")).unwrap();
        refused(Lock::take_as(&folder, on("b"), QUICK), "in use by process 7 on a");
        drop(held);
        assert!(!folder.join(OWNER).exists());
        drop(Lock::take_as(&folder, on("b"), QUICK).unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_owner_that_is_gone_is_followed_at_once_here_and_after_a_while_elsewhere() {
        let folder = folder("gone");
        for (machine, waits) in [("a", false), ("b", true)] {
            fs::write(folder.join(OWNER), on(machine).line()).unwrap();
            let begun = Instant::now();
            let held = Lock::take_as(&folder, on("a"), QUICK).unwrap();
            assert_eq!(begun.elapsed() >= QUICK.patience, waits, "{machine}");
            assert!(owner(&folder).is_some_and(|now| is(&now, &on("a"))));
            drop(held);
        }
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [LOCK]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn of_two_that_follow_one_owner_one_goes_on() {
        let folder = folder("two");
        fs::write(folder.join(OWNER), on("c").line()).unwrap();
        let follow = |machine: &'static str| {
            let folder = folder.clone();
            std::thread::spawn(move || {
                let lock = Lock::take_as(&folder, on(machine), QUICK);
                // Held long enough for the other one to be refused.
                std::thread::sleep(Duration::from_secs(2));
                lock.is_ok()
            })
        };
        let first = follow("a");
        std::thread::sleep(Duration::from_millis(500));
        fs::rename(folder.join(LOCK), folder.join("elsewhere")).unwrap();
        let second = follow("b");
        assert_eq!([first.join().unwrap(), second.join().unwrap()], [true, false]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
