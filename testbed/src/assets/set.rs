//! The assets of one release: read once, hashed, and looked up by either name.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

/// The most files of a folder, so that a wrong folder is an error and not a full memory.
const FILES_MAX: usize = 10_000;
/// The most bytes of one asset.
pub(crate) const ASSET_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 16;

/// The assets that come with the testbed.
const BUILT_IN: &[(&str, &[u8])] = &[
    ("css/critical.css", include_bytes!("../../assets/web/css/critical.css")),
    ("css/main.css", include_bytes!("../../assets/web/css/main.css")),
    ("img/logo.svg", include_bytes!("../../assets/web/img/logo.svg")),
    ("js/app.js", include_bytes!("../../assets/web/js/app.js")),
];

/// Media types by the end of a name; what is not here is not an asset.
const TYPES: &[(&str, &str)] = &[
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("webp", "image/webp"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
];

/// A file and its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The plain name, such as `css/main.css`.
    pub name: String,
    /// The name with the hash, such as `css/main.0123456789abcdef.css`.
    pub versioned: String,
    /// XXH3 of the content, 64 bits, in hexadecimal digits. It tells versions apart; it is no proof
    /// against somebody who makes files to fool it.
    pub hash: String,
    /// The media type.
    pub content_type: &'static str,
    /// The content.
    pub body: Bytes,
}

/// The assets of one release, sorted by name.
#[derive(Debug, Clone, Default)]
pub struct AssetSet {
    assets: Vec<Asset>,
}

/// Why a folder holds no assets.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// A file or folder could not be read.
    #[error("cannot read the assets in {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There are too many files, or one is too large.
    #[error("{}: {what}; name the folder that holds only assets", path.display())]
    TooMuch {
        /// The folder or file.
        path: PathBuf,
        /// Which limit.
        what: String,
    },
    /// Files that cannot be assets.
    #[error("these files cannot be assets (letters, digits, '-', '_' and '.', of a known type, and no hash of another version in the name): {}", names.join(", "))]
    Names {
        /// Their names.
        names: Vec<String>,
    },
}

impl AssetSet {
    /// The assets that come with the testbed.
    #[must_use]
    pub fn built_in() -> Self {
        let assets = BUILT_IN.iter().filter_map(|(name, body)| Asset::new(name, Bytes::from_static(body)));
        Self::of(assets.collect())
    }

    /// All files of a folder and its folders. Hidden files are left out.
    ///
    /// # Errors
    /// If the folder cannot be read, holds too much, or holds files that cannot be assets.
    pub fn load(folder: &Path) -> Result<Self, AssetError> {
        let mut files = Vec::new();
        walk(folder, "", &mut files)?;
        let mut assets = Vec::with_capacity(files.len());
        let mut refused = Vec::new();
        for name in files {
            let path = folder.join(&name);
            let io = |source| AssetError::Io { path: path.clone(), source };
            if path.metadata().map_err(io)?.len() > ASSET_BYTES_MAX {
                let what = format!("larger than {ASSET_BYTES_MAX} bytes");
                return Err(AssetError::TooMuch { path, what });
            }
            match Asset::new(&name, std::fs::read(&path).map_err(io)?.into()) {
                Some(asset) => assets.push(asset),
                None => refused.push(name),
            }
        }
        if refused.is_empty() { Ok(Self::of(assets)) } else { Err(AssetError::Names { names: refused }) }
    }

    fn of(mut assets: Vec<Asset>) -> Self {
        assets.sort_by(|a, b| a.name.cmp(&b.name));
        Self { assets }
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.assets.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.assets.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.assets.is_empty()
    }

    /// The bytes of all together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.assets.iter().map(|asset| asset.body.len() as u64).sum()
    }

    /// By its plain name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Asset> {
        let place = self.assets.binary_search_by(|asset| asset.name.as_str().cmp(name)).ok()?;
        self.assets.get(place)
    }

    /// By its name with the hash. Another version of it is not found.
    #[must_use]
    pub fn find_versioned(&self, versioned: &str) -> Option<&Asset> {
        self.find(&plain_name(versioned)?).filter(|asset| asset.versioned == versioned)
    }
}

impl Asset {
    /// `None` if the name cannot be an asset's.
    fn new(name: &str, body: Bytes) -> Option<Self> {
        if !is_name(name) || plain_name(name).is_some() {
            return None;
        }
        let content_type = content_type(name)?;
        let hash = format!("{:016x}", xxh3_64(&body));
        let (stem, extension) = name.rsplit_once('.')?;
        let versioned = format!("{stem}.{hash}.{extension}");
        Some(Self { name: name.to_owned(), versioned, hash, content_type, body })
    }
}

/// `css/main.css` of `css/main.0123456789abcdef.css`; `None` of a name without a hash.
pub(crate) fn plain_name(versioned: &str) -> Option<String> {
    let (stem, extension) = versioned.rsplit_once('.')?;
    let (stem, hash) = stem.rsplit_once('.')?;
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_hash && is_name(versioned)).then(|| format!("{stem}.{extension}"))
}

/// The media type that the end of a name tells.
pub(crate) fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    TYPES.iter().find(|(known, _)| *known == extension).map(|(_, content_type)| *content_type)
}

/// Parts of letters, digits, `-`, `_` and `.`, none hidden: safe in a URL, a path and a header.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_plain))
}

fn walk(folder: &Path, under: &str, files: &mut Vec<String>) -> Result<(), AssetError> {
    let path = folder.join(under);
    let io = |source| AssetError::Io { path: path.clone(), source };
    for entry in std::fs::read_dir(&path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let name = if under.is_empty() { name } else { format!("{under}/{name}") };
        // The kind of the entry itself: a link to a folder above would go round for ever.
        match entry.file_type().map_err(io)? {
            kind if kind.is_dir() => walk(folder, &name, files)?,
            _ => files.push(name),
        }
        if files.len() > FILES_MAX {
            return Err(AssetError::TooMuch { path, what: format!("more than {FILES_MAX} files") });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_by_both_names_and_not_by_that_of_another_version() {
        let set = AssetSet::built_in();
        assert_eq!(set.len(), BUILT_IN.len(), "every built-in file is an asset");
        let asset = set.find("css/main.css").expect("built in");
        assert_eq!(asset.versioned, format!("css/main.{}.css", asset.hash));
        assert_eq!(set.find_versioned(&asset.versioned), Some(asset));
        assert_eq!(set.find_versioned("css/main.0123456789abcdef.css"), None);
        assert_eq!(set.find_versioned("css/main.css"), None);
        assert_eq!(set.find("css/none.css"), None);
    }

    #[test]
    fn new_content_has_a_new_name_and_the_same_content_the_same() {
        let of =
            |body: &'static [u8]| Asset::new("a.css", Bytes::from_static(body)).expect("a name").versioned;
        assert_eq!(of(b"a{}"), of(b"a{}"));
        assert_ne!(of(b"a{}"), of(b"b{}"));
    }

    #[test]
    fn a_name_with_a_hash_tells_its_plain_name() {
        for (versioned, plain) in [
            ("css/main.0123456789abcdef.css", Some("css/main.css")),
            ("a.b.0123456789abcdef.js", Some("a.b.js")),
            ("css/main.css", None),
            ("css/main.0123456789ABCDEF.css", None),
            ("css/main.0123456789abcde.css", None),
            ("../main.0123456789abcdef.css", None),
            ("/main.0123456789abcdef.css", None),
            ("0123456789abcdef.css", None),
            ("", None),
        ] {
            assert_eq!(plain_name(versioned).as_deref(), plain, "{versioned}");
        }
    }

    #[test]
    fn a_folder_is_read_whole_and_strangers_in_it_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, name).expect("a file");
        };
        write("a/b/c.js");
        write("z.txt");
        write(".hidden/x.exe");
        let set = AssetSet::load(folder.path()).expect("assets");
        assert_eq!(set.iter().map(|asset| asset.name.as_str()).collect::<Vec<_>>(), ["a/b/c.js", "z.txt"]);
        assert_eq!(set.bytes(), 13);
        write("run.exe");
        write("old.0123456789abcdef.css");
        let AssetError::Names { mut names } = AssetSet::load(folder.path()).expect_err("two strangers")
        else {
            panic!("the names are the mistake");
        };
        names.sort();
        assert_eq!(names, ["old.0123456789abcdef.css", "run.exe"]);
        let gone = AssetSet::load(&folder.path().join("gone")).expect_err("no folder").to_string();
        assert!(gone.contains("gone"), "{gone}");
    }
}
