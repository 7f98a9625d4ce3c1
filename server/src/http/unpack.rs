//! Bodies that come packed (`Content-Encoding`): unpacked piece by piece, so that no small body becomes a large one
//! unseen.

use axum::http::{HeaderMap, header::CONTENT_ENCODING};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status, read::MultiGzDecoder};
use std::io::{self, Read};

/// The packings that are read, as `Accept-Encoding` lists them.
pub const READ: &str = "gzip, deflate, br";
/// Bytes that are unpacked at a time.
const PIECE_BYTES: usize = 64 * 1024;
const FOLLOWED: &str = "something follows the packed body";

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or RFC 1951 alone as some senders have it.
    Deflate,
    /// RFC 7932.
    Brotli,
}

/// A packing that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body's Content-Encoding is not read: send it plain, or as one of {READ}, once")]
pub struct Unreadable;

impl Packing {
    /// How a body with these headers is packed; none: not at all.
    ///
    /// # Errors
    /// When it is packed in another way, or several times.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Unreadable> {
        let mut found = None;
        for line in headers.get_all(CONTENT_ENCODING) {
            for word in line.to_str().map_err(|_| Unreadable)?.split(',') {
                let packing = match word.trim().to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "br" => Self::Brotli,
                    _ => return Err(Unreadable),
                };
                if found.replace(packing).is_some() {
                    return Err(Unreadable);
                }
            }
        }
        Ok(found)
    }

    /// The body in pieces.
    pub fn pieces(self, packed: &[u8]) -> Pieces<'_> {
        let reader: Box<dyn Read + Send + '_> = match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Deflate => Box::new(Inflate { packed, state: Decompress::new(is_zlib(packed)), ended: false }),
            Self::Brotli => Box::new(Brotli::new(packed)),
        };
        Pieces { reader, piece: vec![0; PIECE_BYTES] }
    }
}

/// A body as it is unpacked.
pub struct Pieces<'a> {
    reader: Box<dyn Read + Send + 'a>,
    piece: Vec<u8>,
}

impl Pieces<'_> {
    /// The next piece; an empty one is the end.
    ///
    /// # Errors
    /// When it is not packed as it says, or cut short.
    pub fn next(&mut self) -> io::Result<&[u8]> {
        let read = self.reader.read(&mut self.piece)?;
        Ok(&self.piece[..read])
    }
}

/// Whether a zlib header stands before the data (RFC 1950, 2.2).
fn is_zlib(packed: &[u8]) -> bool {
    match packed {
        [first, second, ..] => first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31),
        _ => false,
    }
}

/// `deflate`, to its end: what is cut short or goes on is an error.
struct Inflate<'a> {
    packed: &'a [u8],
    state: Decompress,
    ended: bool,
}

impl Read for Inflate<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let (read, made) = (self.state.total_in(), self.state.total_out());
        let status = self.state.decompress(self.packed, piece, FlushDecompress::None).map_err(io::Error::other)?;
        let (read, made) = (self.state.total_in() - read, self.state.total_out() - made);
        self.packed = &self.packed[usize::try_from(read).map_err(io::Error::other)?..];
        match status {
            Status::StreamEnd if !self.packed.is_empty() => Err(io::Error::other(FOLLOWED)),
            Status::StreamEnd => {
                self.ended = true;
                usize::try_from(made).map_err(io::Error::other)
            }
            Status::Ok | Status::BufError if made == 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            Status::Ok | Status::BufError => usize::try_from(made).map_err(io::Error::other),
        }
    }
}

/// `br`, to its end likewise.
struct Brotli<'a> {
    packed: &'a [u8],
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    made: usize,
    ended: bool,
}

impl<'a> Brotli<'a> {
    fn new(packed: &'a [u8]) -> Self {
        let alloc = StandardAlloc::default;
        Self { packed, state: BrotliState::new_strict(alloc(), alloc(), alloc()), made: 0, ended: false }
    }
}

impl Read for Brotli<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let (mut left, mut read, mut room, mut made) = (self.packed.len(), 0, piece.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            self.packed,
            &mut room,
            &mut made,
            piece,
            &mut self.made,
            &mut self.state,
        );
        self.packed = &self.packed[read..];
        match result {
            BrotliResult::ResultSuccess if !self.packed.is_empty() => Err(io::Error::other(FOLLOWED)),
            BrotliResult::ResultSuccess => {
                self.ended = true;
                Ok(made)
            }
            BrotliResult::NeedsMoreOutput => Ok(made),
            BrotliResult::NeedsMoreInput if made > 0 => Ok(made),
            BrotliResult::NeedsMoreInput => Err(io::ErrorKind::UnexpectedEof.into()),
            BrotliResult::ResultFailure => Err(io::Error::other("not packed as br")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use std::io::Write;

    fn unpacked(packing: Packing, packed: &[u8], limit: usize) -> io::Result<Vec<u8>> {
        let (mut pieces, mut all) = (packing.pieces(packed), Vec::new());
        loop {
            let piece = pieces.next()?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(piece);
            if all.len() > limit {
                return Err(io::Error::other("over the limit"));
            }
        }
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    fn raw(body: &[u8]) -> Vec<u8> {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    fn brotli(body: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        brotli::CompressorReader::new(body, 4096, 9, 22).read_to_end(&mut packed).unwrap();
        packed
    }

    #[test]
    fn whole_bodies_are_unpacked_and_broken_ones_are_not() {
        let bodies =
            [Vec::new(), b"{\"a\":1}".to_vec(), (0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>()];
        for body in bodies {
            for (packing, packed) in [
                (Packing::Gzip, gzip(&body)),
                (Packing::Deflate, zlib(&body)),
                (Packing::Deflate, raw(&body)),
                (Packing::Brotli, brotli(&body)),
            ] {
                assert_eq!(unpacked(packing, &packed, usize::MAX).unwrap(), body, "{packing:?}");
                // nothing, packed, may be cut and still be nothing
                let cuts = if body.is_empty() { vec![0] } else { vec![0, 1, packed.len() / 2, packed.len() - 1] };
                for cut in cuts {
                    assert!(unpacked(packing, &packed[..cut], usize::MAX).is_err(), "{packing:?} cut at {cut}");
                }
                let longer = [packed.as_slice(), b"and more"].concat();
                assert!(unpacked(packing, &longer, usize::MAX).is_err(), "{packing:?} with more behind it");
            }
        }
        let two = [gzip(b"{\"a\""), gzip(b":1}")].concat();
        assert_eq!(unpacked(Packing::Gzip, &two, usize::MAX).unwrap(), b"{\"a\":1}", "one behind the other");
        for packing in [Packing::Gzip, Packing::Deflate, Packing::Brotli] {
            assert!(unpacked(packing, b"{\"plain\": \"json\"}", usize::MAX).is_err(), "{packing:?}");
        }
    }

    #[test]
    fn a_small_body_becomes_no_large_one() {
        let zeros = vec![0; 32 << 20];
        for (packing, packed) in
            [(Packing::Gzip, gzip(&zeros)), (Packing::Deflate, zlib(&zeros)), (Packing::Brotli, brotli(&zeros))]
        {
            assert!(packed.len() < 64 * 1024, "{packing:?}");
            assert!(unpacked(packing, &packed, 1 << 20).is_err(), "{packing:?}");
        }
    }

    #[test]
    fn one_known_packing_is_taken() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, value.parse().unwrap());
            }
            Packing::of(&headers)
        };
        for plain in [vec![], vec![""], vec!["identity"], vec!["Identity, identity"]] {
            assert_eq!(of(&plain), Ok(None), "{plain:?}");
        }
        assert_eq!(of(&["GZip"]), Ok(Some(Packing::Gzip)));
        assert_eq!(of(&["identity, x-gzip"]), Ok(Some(Packing::Gzip)));
        assert_eq!(of(&[" deflate "]), Ok(Some(Packing::Deflate)));
        assert_eq!(of(&["br"]), Ok(Some(Packing::Brotli)));
        for other in [vec!["zstd"], vec!["compress"], vec!["gzip, gzip"], vec!["gzip", "br"], vec!["aes128gcm"]] {
            assert_eq!(of(&other), Err(Unreadable), "{other:?}");
        }
    }
}
