//! Temporary files.

use std::fs;
use std::path::PathBuf;

/// A folder of its own that goes when the test ends.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it; `name` is that of the test.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tipring-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path in ASCII").to_owned()
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.file(name);
        fs::write(&path, contents).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
