//! Documents that a provider gives as proof of a delivery.

use serde::{Deserialize, Serialize};

/// What a document shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// The signature of who received it.
    Signature,
    /// A photo of where it was left.
    Photo,
    /// Something else.
    Other,
}

impl DocumentKind {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Signature => "Signature",
            Self::Photo => "Photo",
            Self::Other => "Proof of delivery",
        }
    }
}

/// A document, as it came. Personal data: a signature, a doorstep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it shows.
    pub kind: DocumentKind,
    /// What it is.
    pub content: Content,
}

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A link to it.
    Link(String),
    /// The document itself.
    File {
        /// Its bytes, as Base64.
        base64: String,
        /// What kind of file it is.
        format: FileFormat,
    },
}

/// A kind of file that people can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named as it is")]
pub enum FileFormat {
    Pdf,
    Png,
    Jpeg,
    Gif,
    Webp,
    Tiff,
}

impl FileFormat {
    /// The format of these bytes, by how they begin.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [b'%', b'P', b'D', b'F', ..] => Self::Pdf,
            [0x89, b'P', b'N', b'G', ..] => Self::Png,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [b'G', b'I', b'F', b'8', ..] => Self::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::Webp,
            [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Self::Tiff,
            _ => return None,
        })
    }

    /// The media type.
    pub const fn mimetype(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Tiff => "image/tiff",
        }
    }

    /// How the name of such a file ends.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Tiff => "tif",
        }
    }
}
