//! What commands print. When the reader closes the pipe, as `| head` does, the command goes on with its work and prints nothing
//! more. Where the output cannot be written for another reason, such as a full disk, the command fails at its end.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    sync::Mutex,
};

/// The first error of the output, other than a closed pipe.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::out::line(format_args!($($text)*))
    };
}

/// Prints a line of text.
pub(super) fn line(text: fmt::Arguments<'_>) {
    if let Err(error) = write_line(&mut io::stdout().lock(), text) {
        FAILED.lock().expect("no panic while held").get_or_insert(error);
    }
}

fn write_line(out: &mut impl Write, text: fmt::Arguments<'_>) -> io::Result<()> {
    match writeln!(out, "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether everything could be printed; a closed pipe is no error.
///
/// # Errors
/// What the output failed with first.
pub(super) fn finish() -> io::Result<()> {
    FAILED.lock().expect("no panic while held").take().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_left_is_no_error_and_a_full_disk_is() {
        assert!(write_line(&mut Failing(ErrorKind::BrokenPipe), format_args!("one")).is_ok());
        let full = write_line(&mut Failing(ErrorKind::StorageFull), format_args!("one")).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        let mut written = Vec::new();
        write_line(&mut written, format_args!("{} {}", 1, 2)).unwrap();
        assert_eq!(written, b"1 2\n");
    }
}
