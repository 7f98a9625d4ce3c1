//! This machine: how much room its disks have.

use application::machine::{Machine, Room};
use futures::{FutureExt as _, future::BoxFuture};
use rustix::fs::statvfs;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A disk that does not answer within this time is one of another machine that is gone.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The machine that this process runs on.
#[derive(Default)]
pub struct ThisMachine {
    /// A look is on its way: on a disk that does not answer it may stay there for good, so that no second one begins.
    looks: Arc<AtomicBool>,
}

impl Machine for ThisMachine {
    fn room<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, io::Result<Room>> {
        let (folder, looks) = (folder.to_owned(), Arc::clone(&self.looks));
        async move {
            let silent = || io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer");
            if looks.swap(true, Ordering::AcqRel) {
                return Err(silent());
            }
            let look = tokio::task::spawn_blocking(move || {
                let room = room_of(&folder);
                looks.store(false, Ordering::Release);
                room
            });
            match tokio::time::timeout(ANSWERS_WITHIN, look).await {
                Ok(room) => room.map_err(io::Error::other)?,
                Err(_) => Err(silent()),
            }
        }
        .boxed()
    }
}

fn room_of(folder: &Path) -> io::Result<Room> {
    let there: PathBuf = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned();
    let disk = statvfs(&there)?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Ok(Room { free_bytes: bytes(disk.f_bavail), all_bytes: bytes(disk.f_blocks) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_room_of_a_folder_is_that_of_its_disk() {
        let machine = ThisMachine::default();
        let room = machine.room(Path::new("/")).await.expect("there is a disk");
        assert!(room.all_bytes > 0 && room.free_bytes <= room.all_bytes);
        let nowhere = machine.room(Path::new("/no/such/folder")).await.expect("its parent's");
        assert_eq!(nowhere.all_bytes, room.all_bytes);
    }

    #[tokio::test]
    async fn while_a_look_is_on_its_way_no_second_one_begins() {
        let machine = ThisMachine::default();
        machine.looks.store(true, Ordering::Release);
        let error = machine.room(Path::new("/")).await.expect_err("the first did not end");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
