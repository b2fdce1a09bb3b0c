use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use counterpoint_batch::Array;

use super::*;
use crate::decode::Bitmap;
use crate::prepare::Raw;

/// A folder that is removed at the end, with a file in it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("counterpoint-disk-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.png"), "content").unwrap();
        Self(folder)
    }

    fn source(&self) -> Source {
        Source::Picture { path: self.0.join("a.png") }
    }

    fn disk(&self, limit: u64) -> Disk {
        Disk::open(&self.0.join("cache"), limit).unwrap()
    }

    fn entries(&self) -> Vec<PathBuf> {
        let parts = fs::read_dir(self.0.join("cache")).unwrap();
        let mut all: Vec<PathBuf> = parts
            .flat_map(|part| fs::read_dir(part.unwrap().path()).unwrap())
            .map(|entry| entry.unwrap().path())
            .collect();
        all.sort();
        all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn array(side: usize) -> Array {
    Array::new([2, side], (0..2 * side).map(|i| (i as f32).sin()).collect::<Vec<_>>()).unwrap()
}

fn picture() -> Raw {
    Raw::Picture(Bitmap::new(3, 2, 3, (0..18).collect()).unwrap())
}

#[test]
fn what_was_put_comes_back_bit_for_bit_in_another_process_too() {
    let place = Place::new("hit");
    let source = place.source();
    let (a, b) = (Key::new(&source, "a").unwrap(), Key::new(&source, "b").unwrap());
    let disk = place.disk(1 << 20);
    assert!(disk.get::<Array>(a, &source).is_none());
    disk.put(a, &array(500));
    disk.put(b, &picture());
    for disk in [disk, place.disk(1 << 20)] {
        assert_eq!(disk.get::<Array>(a, &source), Some(array(500)));
        let Some(Raw::Picture(found)) = disk.get(b, &source) else { panic!("the picture is kept") };
        assert_eq!(found.pixels, (0..18).collect::<Vec<u8>>());
        assert_eq!(disk.notes(), [""; 0]);
    }
}

#[test]
fn other_settings_another_file_or_another_part_is_another_entry() {
    let place = Place::new("key");
    let (source, file) = (place.source(), place.0.join("a.png"));
    let key = |source: &Source, steps| Key::new(source, steps).unwrap();
    let before = key(&source, "steps");
    assert_eq!(before, key(&source, "steps"));
    assert_ne!(before, key(&source, "other steps"));
    let wave = |span| Source::Wave { path: file.clone(), span };
    assert_ne!(key(&wave(None), "s"), key(&wave(Some((0, 5))), "s"));
    assert_ne!(key(&wave(Some((0, 6))), "s"), key(&wave(Some((0, 5))), "s"));
    let later = SystemTime::now() + Duration::from_secs(100);
    File::options().append(true).open(&file).unwrap().set_modified(later).unwrap();
    let touched = key(&source, "steps");
    assert_ne!(before, touched, "another time");
    fs::write(&file, "longer content").unwrap();
    File::options().append(true).open(&file).unwrap().set_modified(later).unwrap();
    assert_ne!(touched, key(&source, "steps"), "another size");
    fs::copy(&file, place.0.join("b.png")).unwrap();
    assert_ne!(key(&source, "steps"), key(&Source::Picture { path: place.0.join("b.png") }, "steps"));
    assert!(Key::new(&Source::Picture { path: place.0.join("absent.png") }, "steps").is_none());
}

#[test]
fn any_changed_bit_or_length_is_noticed_and_made_again() {
    let place = Place::new("damage");
    let source = place.source();
    let (disk, key) = (place.disk(1 << 20), Key::new(&source, "a").unwrap());
    disk.put(key, &array(5));
    let [file] = place.entries().try_into().unwrap();
    let whole = fs::read(&file).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len())
        .map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            bytes
        })
        .collect();
    damaged.extend([0, 1, 95, 96, whole.len() - 1].map(|length| whole[..length].to_vec()));
    damaged.push([whole.as_slice(), &[0]].concat());
    for (at, bytes) in damaged.iter().enumerate() {
        fs::write(&file, bytes).unwrap();
        assert!(disk.get::<Array>(key, &source).is_none(), "damage {at} is used");
        assert!(!file.exists(), "damage {at} stays");
    }
    assert!(disk.notes()[0].ends_with(&format!("made again: {}", damaged.len())), "{:?}", disk.notes());
    disk.put(key, &array(5));
    assert_eq!(disk.get::<Array>(key, &source), Some(array(5)));
    // An entry of another kind under this name would not be taken either.
    assert!(disk.get::<Raw>(key, &source).is_none());
}

#[test]
fn the_limit_is_held_and_what_was_used_last_stays() {
    let place = Place::new("limit");
    let source = place.source();
    let disk = place.disk(20_000);
    let key = |n: usize| Key::new(&source, &n.to_string()).unwrap();
    let bytes = || place.entries().iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>();
    let old = SystemTime::now() - Duration::from_secs(1000);
    for n in 0..40 {
        disk.put(key(n), &array(100)); // 896 bytes with its head
        assert!(bytes() <= 20_000, "{} after {n}", bytes());
        let file = key(n).path(&disk.folder);
        let age = old + Duration::from_secs(n as u64);
        File::options().append(true).open(file).unwrap().set_modified(age).unwrap();
        // The first one is used again and again.
        assert!(disk.get::<Array>(key(0), &source).is_some(), "after {n}");
    }
    assert!(disk.get::<Array>(key(1), &source).is_none() && disk.get::<Array>(key(39), &source).is_some());
    assert!(place.entries().len() >= 18, "no more is removed than needed");
    disk.put(key(100), &array(10_000));
    assert!(disk.get::<Array>(key(100), &source).is_none(), "larger than the limit");
    drop(disk);
    assert!(place.disk(2_000).get::<Array>(key(39), &source).is_some());
    assert!(bytes() <= 2_000, "a lower limit holds from the start");
}

#[test]
fn threads_with_caches_of_their_own_share_a_folder() {
    let place = Place::new("shared");
    let source = place.source();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Small enough that entries are removed while others read them.
                let disk = place.disk(30_000);
                for n in 0..300 {
                    let (side, key) = (50 + n % 37, Key::new(&source, &(n % 37).to_string()).unwrap());
                    match disk.get::<Array>(key, &source) {
                        Some(found) => assert_eq!(found, array(side)),
                        None => disk.put(key, &array(side)),
                    }
                }
                assert_eq!(disk.notes(), [""; 0]);
            });
        }
    });
}

const CHILD: &str = "COUNTERPOINT_TEST_DISK";
const SHARED: &str = "COUNTERPOINT_TEST_DISK_SHARED";

/// A test of this file as a process of its own. A program for another processor is run by the one that
/// `COUNTERPOINT_TEST_RUNNER` names with its arguments, as it runs this one.
fn child(test: &str) -> Command {
    let runner = std::env::var("COUNTERPOINT_TEST_RUNNER").unwrap_or_default();
    let mut words: Vec<OsString> = runner.split_whitespace().map(OsString::from).collect();
    words.push(std::env::current_exe().unwrap().into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args([&format!("disk::tests::{test}"), "--exact", "--nocapture"]);
    command
}

/// Not a test by itself: writes entries without end where the next test tells it to.
#[test]
fn child_that_writes() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let source = Source::Picture { path: folder.join("a.png") };
    let disk = Disk::open(&folder.join("cache"), 1 << 30).unwrap();
    for n in 0.. {
        disk.put(Key::new(&source, &(n % 50).to_string()).unwrap(), &array(20_000));
        #[expect(clippy::print_stdout, reason = "tells the parent that it writes")]
        if n == 3 {
            println!("\nwriting");
        }
    }
}

#[test]
fn a_process_that_is_killed_leaves_whole_entries_only() {
    let place = Place::new("kill");
    let source = place.source();
    for round in 0..5 {
        let mut child =
            child("child_that_writes").env(CHILD, &place.0).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "writing"), "round {round}");
        std::thread::sleep(Duration::from_millis(round));
        child.kill().unwrap();
        child.wait().unwrap();
        let disk = place.disk(1 << 30);
        let found =
            (0..50).filter_map(|n| disk.get::<Array>(Key::new(&source, &n.to_string()).unwrap(), &source));
        let count = found.inspect(|found| assert_eq!(*found, array(20_000))).count();
        assert!(count >= 3, "{count} in round {round}");
        assert_eq!(disk.notes(), [""; 0], "no entry was damaged");
    }
    // What the killed left half done goes when it is old.
    let old = SystemTime::now() - Duration::from_secs(7200);
    let half = place.0.join(format!("cache/00/{}.1-2.partial", "0".repeat(62)));
    fs::create_dir_all(half.parent().unwrap()).unwrap();
    File::create(&half).unwrap().set_modified(old).unwrap();
    place.disk(1 << 30);
    assert!(!half.exists());
}

#[test]
fn files_of_others_in_the_folder_are_neither_counted_nor_removed() {
    let place = Place::new("foreign");
    let source = place.source();
    let foreign = ["photos/summer.jpg", "ab/notes.txt", "ab/0123.partial", "cd.txt"].map(|name| {
        let path = place.0.join("cache").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, vec![7; 50_000]).unwrap();
        let old = SystemTime::now() - Duration::from_secs(90_000);
        File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
        path
    });
    let disk = place.disk(20_000);
    let keys: Vec<Key> = (0..8).map(|i| Key::new(&source, &format!("steps {i}")).unwrap()).collect();
    keys.iter().for_each(|key| disk.put(*key, &array(500)));
    assert!(disk.get::<Array>(keys[7], &source).is_some(), "there is room for entries");
    assert!(disk.get::<Array>(keys[0], &source).is_none(), "the oldest had to go");
    drop(place.disk(1));
    assert!(disk.get::<Array>(keys[7], &source).is_none());
    for path in foreign {
        assert!(path.exists(), "{} was removed", path.display());
    }
}

const LIMIT: u64 = 60_000;

/// Not a test by itself: reads and writes the entries of a folder where the next test tells it to, and says how many
/// it found there.
#[test]
fn child_that_shares() {
    let Some(folder) = std::env::var_os(SHARED).map(PathBuf::from) else { return };
    let source = Source::Picture { path: folder.join("a.png") };
    let disk = Disk::open(&folder.join("cache"), LIMIT).unwrap();
    let mut found = 0;
    for n in 0..4000 {
        // All entries together are twice as large as the limit.
        let (side, key) = (100 + n % 97, Key::new(&source, &(n % 97).to_string()).unwrap());
        match disk.get::<Array>(key, &source) {
            Some(value) => {
                assert_eq!(value, array(side), "entry {}", n % 97);
                found += 1;
            }
            None => disk.put(key, &array(side)),
        }
        // What is asked for again at once is mostly still there.
        found += usize::from(disk.get::<Array>(key, &source).is_some_and(|value| value == array(side)));
    }
    assert_eq!(disk.notes(), [""; 0]);
    #[expect(clippy::print_stdout, reason = "tells the parent what it found")]
    {
        println!("\nfound {found}");
    }
}

#[test]
fn processes_that_run_at_once_share_a_folder_and_its_limit() {
    let place = Place::new("two");
    let start = || {
        child("child_that_shares")
            .env(SHARED, &place.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [start(), start()];
    let mut largest = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{text}");
        let found =
            text.lines().find_map(|line| line.strip_prefix("found ")).map(|n| n.parse::<usize>().unwrap());
        assert!(found.is_some_and(|found| found > 3000), "{text}");
        let bytes: u64 =
            place.entries().iter().filter_map(|file| fs::metadata(file).ok()).map(|f| f.len()).sum();
        largest = largest.max(bytes);
    }
    // Each counts what the others wrote once it has written a sixteenth of the limit itself.
    let entry = 96 + 8 * 196;
    assert!((LIMIT / 2..=LIMIT + 2 * (LIMIT / 16 + entry)).contains(&largest), "{largest} bytes");
    let partial = |file: &&PathBuf| file.extension().is_some();
    assert_eq!(place.entries().iter().filter(partial).count(), 0, "nothing half done is left");
}
