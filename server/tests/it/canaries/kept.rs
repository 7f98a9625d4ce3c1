//! Where the installation under test keeps its rows: everything of it that lies on a disk, as bytes, and the rows of a backup.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use storage::{Store, transfer::Value};
use storage_postgres::{PostgresStore, temporary::Temporary};
use storage_sqlite::{Options, SqliteStore, export};

/// Something to look into: where it lies, and what is there.
pub type Place = (String, Vec<u8>);

/// A row of a table, its values by column. Of a value that has several inside, each.
pub struct Row {
    pub table: String,
    pub values: Vec<(String, Value)>,
}

/// The installation's database, on the engine that the tests are asked for.
pub enum Kept {
    Sqlite(PathBuf),
    Postgres(Box<Cluster>),
}

impl Kept {
    /// A new one.
    pub async fn new(folder: &Path) -> (Self, Store) {
        match std::env::var("MILEPOST_TEST_ENGINE").as_deref() {
            Ok("postgres") => {
                let cluster = Cluster::new().await;
                let store = PostgresStore::open(&cluster.url).await.unwrap();
                (Self::Postgres(Box::new(cluster)), store)
            }
            Ok(engine) => panic!("there is no engine {engine}"),
            Err(_) => Self::of_file(folder.join("tower.sqlite")).await,
        }
    }

    /// A backup, put back.
    pub async fn restored(backup: &Path) -> (Self, Store) {
        let mut bytes = [0; 5];
        std::io::Read::read_exact(&mut fs::File::open(backup).unwrap(), &mut bytes).unwrap();
        if &bytes == b"PGDMP" {
            let cluster = Cluster::new().await;
            storage_postgres::backup::load(&cluster.url, backup).await.unwrap();
            let store = PostgresStore::open(&cluster.url).await.unwrap();
            return (Self::Postgres(Box::new(cluster)), store);
        }
        Self::of_file(backup.to_owned()).await
    }

    async fn of_file(file: PathBuf) -> (Self, Store) {
        let store = SqliteStore::open(&file, Options::server()).await.unwrap();
        (Self::Sqlite(file), store)
    }

    /// A backup, while the server goes on.
    pub async fn backup(&self, to: &Path) {
        drop(fs::remove_file(to));
        match self {
            Self::Sqlite(file) => storage_sqlite::backup::copy(file, to).await.unwrap(),
            Self::Postgres(cluster) => storage_postgres::backup::dump(&cluster.url, to).await.unwrap(),
        }
    }

    /// Parts of the names of what a setting lies in on the disk.
    pub fn places_of_a_setting(&self) -> Vec<String> {
        match self {
            Self::Sqlite(file) => vec![format!("{}-wal", file.display())],
            Self::Postgres(cluster) => {
                let table = ask(cluster.address(), "SELECT pg_relation_filepath('setting')");
                vec![cluster.folder.join(table).display().to_string(), "the write-ahead log".to_owned()]
            }
        }
    }

    /// What lies on the disk.
    pub fn on_disk(&self) -> Vec<Place> {
        match self {
            Self::Sqlite(file) => {
                let files = ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", file.display())));
                assert!(files[0].exists() && files[1].exists(), "database and log are there");
                files.iter().filter_map(|file| read(file)).collect()
            }
            Self::Postgres(cluster) => cluster.on_disk(),
        }
    }
}

/// What is in a file, if it is there.
pub fn read(file: &Path) -> Option<Place> {
    Some((file.display().to_string(), fs::read(file).ok()?))
}

/// All rows of a backup.
pub async fn rows(kept: &Kept, backup: &Path) -> Vec<Row> {
    match kept {
        Kept::Sqlite(_) => rows_of_file(backup).await,
        Kept::Postgres(_) => rows_of_dump(backup),
    }
}

async fn rows_of_file(backup: &Path) -> Vec<Row> {
    let file = export::Export::open(backup).await.unwrap();
    let mut rows = Vec::new();
    for table in file.tables().unwrap() {
        let mut after = export::After::START;
        loop {
            let read = file.rows(&table, &mut after).unwrap();
            if read.rows.is_empty() {
                break;
            }
            rows.extend(read.rows.into_iter().map(|row| {
                let values = read.columns.iter().cloned().zip(row).collect();
                Row { table: table.clone(), values }
            }));
        }
    }
    rows
}

/// `pg_restore` writes a dump out as `COPY table (columns) FROM stdin;` and lines of values with tabs between.
fn rows_of_dump(backup: &Path) -> Vec<Row> {
    let done = Command::new("pg_restore").args(["--data-only", "--file=-"]).arg(backup).output().unwrap();
    assert!(done.status.success(), "pg_restore: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    let mut rows = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("COPY ").and_then(|line| line.strip_suffix(") FROM stdin;")) else {
            continue;
        };
        let (table, columns) = head.split_once(" (").unwrap();
        let table = table.strip_prefix("public.").unwrap_or(table).trim_matches('"').to_owned();
        let columns: Vec<&str> = columns.split(", ").map(|name| name.trim_matches('"')).collect();
        for line in lines.by_ref().take_while(|line| *line != "\\.") {
            let named = columns.iter().zip(line.split('\t'));
            let values = named.flat_map(|(name, raw)| values(raw).into_iter().map(|value| ((*name).to_owned(), value)));
            rows.push(Row { table: table.clone(), values: values.collect() });
        }
    }
    rows
}

/// A value as it is copied out: bytes are hexadecimal behind `\\x`, also inside of lists and records.
fn values(raw: &str) -> Vec<Value> {
    let bytes: Vec<Value> = raw.split("\\x").skip(1).filter_map(hexadecimal).map(Value::Bytes).collect();
    match bytes.is_empty() || !raw.starts_with("\\\\x") {
        true => bytes.into_iter().chain([Value::Text(raw.to_owned())]).collect(),
        false => bytes,
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = &text[..text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len())];
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A database on the private cluster, and what of the cluster's files is to be looked into: all but what belongs to other
/// databases, and of its log and its messages what came since.
pub struct Cluster {
    url: String,
    _database: Temporary,
    /// Keeps the log from being used again, for as long as it is connected.
    keeper: Child,
    folder: PathBuf,
    /// The database's own folder in `base`.
    own: String,
    log_from: u64,
    said_from: usize,
}

impl Cluster {
    async fn new() -> Self {
        let admin = std::env::var("MILEPOST_TEST_POSTGRES").expect("the cluster of tests/peers/postgres-peer.sh");
        let (database, url) = Temporary::make(&admin).await.unwrap();
        let address = url.split('?').next().unwrap();
        let keeper = keeper(address);
        let folder = PathBuf::from(ask(address, "SHOW data_directory"));
        let own = ask(address, "SELECT oid FROM pg_database WHERE datname = current_database()");
        let log_from = position(address);
        let said_from = fs::read(messages(&folder)).map_or(0, |said| said.len());
        Self { url, _database: database, keeper, folder, own, log_from, said_from }
    }

    fn address(&self) -> &str {
        self.url.split('?').next().unwrap()
    }

    fn on_disk(&self) -> Vec<Place> {
        ask(self.address(), "CHECKPOINT");
        let mut found = vec![self.log()];
        let own = self.folder.join("base").join(&self.own);
        let mut folders = vec![self.folder.clone(), own.clone()];
        while let Some(folder) = folders.pop() {
            // files come and go: others work in the cluster
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true if ["base", "pg_wal"].iter().any(|name| path == self.folder.join(name)) => {}
                    true => folders.push(path),
                    false => found.extend(read(&path)),
                }
            }
        }
        let is_own = |place: &&Place| Path::new(&place.0).starts_with(&own);
        let bytes: usize = found.iter().filter(is_own).map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes > 1_000_000, "the tables' files can be read in {}: {bytes} bytes", own.display());
        if let Some((place, said)) = read(&messages(&self.folder)) {
            found.push((place, said[self.said_from.min(said.len())..].to_vec()));
        }
        found
    }

    /// The write-ahead log since the database was made.
    fn log(&self) -> Place {
        let number = |sql: &str| ask(self.address(), sql).parse::<u64>().unwrap();
        let segment = number("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'");
        let timeline = &ask(self.address(), "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")[..8];
        let end = position(self.address());
        let mut log = Vec::new();
        for n in self.log_from / segment..=end / segment {
            let (high, low) = (n / (0x1_0000_0000 / segment), n % (0x1_0000_0000 / segment));
            let file = self.folder.join("pg_wal").join(format!("{timeline}{high:08X}{low:08X}"));
            let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let inside = |position: u64| usize::try_from(position.saturating_sub(n * segment).min(segment)).unwrap();
            log.extend_from_slice(&bytes[inside(self.log_from)..inside(end)]);
        }
        assert!(log.len() > 1_000_000, "the installation's writes are in the log: {} bytes", log.len());
        (format!("the write-ahead log from {:X}", self.log_from), log)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.kill());
        drop(self.keeper.wait());
    }
}

/// What the cluster says while it runs; `tests/peers/postgres-peer.sh` lets it write that beside its folder.
fn messages(folder: &Path) -> PathBuf {
    folder.with_file_name("run").join("postgresql.log")
}

/// A connection with a slot of its own that holds the log; both end with it.
fn keeper(address: &str) -> Child {
    let mut psql = Command::new("psql");
    psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", address]);
    let mut keeper = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let slot = "SELECT pg_create_physical_replication_slot('canaries_' || pg_backend_pid(), true, true);\n";
    keeper.stdin.as_mut().unwrap().write_all(slot.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(keeper.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.starts_with("(canaries_"), "the log is kept: {answer}");
    keeper
}

/// How far the log is written, in bytes.
fn position(address: &str) -> u64 {
    ask(address, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").parse().unwrap()
}

fn ask(address: &str, sql: &str) -> String {
    let done = Command::new("psql").args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, address]).output().unwrap();
    assert!(done.status.success(), "psql: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
