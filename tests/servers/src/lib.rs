//! Real database servers for tests: one of each kind per test process, on a free port of 127.0.0.1,
//! in a temporary directory. They end with the process, also when it is killed: a shell holds the server
//! and waits on a pipe that only the test process keeps open.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that gets no server has failed")]

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(90);

/// A running server and the account that owns its databases.
#[derive(Debug)]
pub struct Server {
    pub port: u16,
    pub user: &'static str,
    pub password: &'static str,
    pub database: &'static str,
    kind: Kind,
    /// Keeps the pipe open.
    _keeper: Child,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Postgres,
    Mariadb,
}

/// PostgreSQL with SCRAM log-in, UTF-8, database `hufu`.
pub fn postgres() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start_postgres)
}

/// MariaDB with its default collation, which ignores case, database `hufu`.
pub fn mariadb() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start_mariadb)
}

/// Path of PostgreSQL's own client.
pub fn psql() -> PathBuf {
    postgres_bin().join("psql")
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Server {
    /// Runs statements with the server's own client and gives what it prints, one line per row.
    pub fn sql(&self, text: &str) -> String {
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut c = Command::new(psql());
                c.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", self.user]);
                c.args(["-p", &self.port.to_string(), "-d", self.database]).env("PGPASSWORD", self.password);
                c.env("PGCLIENTENCODING", "UTF8");
                c
            }
            Kind::Mariadb => {
                let mut c = Command::new("mariadb");
                c.args(["--no-defaults", "--batch", "-N", "--default-character-set=utf8mb4", "-h", "127.0.0.1"]);
                c.args(["-u", self.user, "-P", &self.port.to_string(), self.database]).env("MYSQL_PWD", self.password);
                c
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the database client is installed");
        let mut stdin = child.stdin.take().expect("piped");
        let text = text.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("client ends");
        let written = writer.join().expect("writer ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        written.expect("client reads everything");
        String::from_utf8(output.stdout).expect("utf-8")
    }
}

fn start_postgres() -> Server {
    let bin = postgres_bin();
    let (dir, port) = (directory("postgres"), free_port());
    fs::write(dir.join("password"), "hufu-test\n").expect("write");
    let unprivileged = own(&dir, "postgres");
    let data = dir.join("data");
    run(Command::new("sh")
        .arg("-c")
        .arg("exec $0 \"$@\"")
        .args(words(&unprivileged))
        .arg(bin.join("initdb"))
        .args(["-U", "hufu", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync", "--pwfile"])
        .arg(dir.join("password"))
        .arg("-D")
        .arg(&data));
    let server = format!(
        "{} {}/postgres -D {} -p {port} -h 127.0.0.1 -k {} -F -c max_connections=60 -c log_min_messages=fatal",
        unprivileged.as_deref().unwrap_or(""),
        bin.display(),
        data.display(),
        dir.display()
    );
    let keeper = keep(&server, "QUIT", &dir);
    let ready = || {
        let mut check = Command::new(bin.join("pg_isready"));
        check.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        check.status().is_ok_and(|s| s.success())
    };
    wait(ready, &dir);
    let server = Server {
        port,
        user: "hufu",
        password: "hufu-test",
        database: "postgres",
        kind: Kind::Postgres,
        _keeper: keeper,
    };
    server.sql("CREATE DATABASE hufu");
    Server { database: "hufu", ..server }
}

fn start_mariadb() -> Server {
    let (dir, port) = (directory("mariadb"), free_port());
    let data = dir.join("data");
    let init = "CREATE DATABASE hufu CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;\n\
                CREATE USER hufu@'%' IDENTIFIED BY 'hufu-test';\nGRANT ALL ON *.* TO hufu@'%' WITH GRANT OPTION;\n";
    fs::write(dir.join("init.sql"), init).expect("write");
    let user = if is_root() { "--user=root" } else { "--skip-name-resolve" };
    // Two installations at once must not meet in one folder of temporary tables.
    run(Command::new("mariadb-install-db")
        .env("TMPDIR", &dir)
        .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal", user])
        .arg(format!("--datadir={}", data.display())));
    let server = format!(
        "{} --no-defaults {user} --datadir={} --tmpdir={} --port={port} --bind-address=127.0.0.1 --socket={}/socket --pid-file={}/pid \
         --init-file={}/init.sql --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M --skip-log-bin",
        mariadbd().display(),
        data.display(),
        dir.display(),
        dir.display(),
        dir.display(),
        dir.display()
    );
    let keeper = keep(&server, "TERM", &dir);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    wait(|| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok(), &dir);
    Server { port, user: "hufu", password: "hufu-test", database: "hufu", kind: Kind::Mariadb, _keeper: keeper }
}

/// Starts `server` under a shell that ends it and removes its directory when our end of the pipe closes.
fn keep(server: &str, signal: &str, dir: &Path) -> Child {
    let dir = dir.display();
    let script = format!(
        "{server} >{dir}/log 2>&1 </dev/null & pid=$!; read -r nothing; kill -{signal} $pid; wait $pid; rm -rf {dir}"
    );
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

fn wait(ready: impl Fn() -> bool, dir: &Path) {
    let begun = Instant::now();
    while !ready() {
        if begun.elapsed() > START_TIMEOUT {
            panic!("server did not start: {}", fs::read_to_string(dir.join("log")).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn directory(kind: &str) -> PathBuf {
    let dir = tempfile::Builder::new().prefix(&format!("hufu-{kind}-")).tempdir().expect("a temporary directory");
    dir.keep()
}

/// PostgreSQL refuses to run as root: gives the directory to `account` and says how to become it.
fn own(dir: &Path, account: &str) -> Option<String> {
    if !is_root() {
        return None;
    }
    run(Command::new("chown").args(["-R", account]).arg(dir));
    Some(format!("setpriv --reuid={account} --regid={account} --init-groups"))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.starts_with(b"0")
}

fn words(prefix: &Option<String>) -> impl Iterator<Item = &str> {
    prefix.as_deref().unwrap_or("env").split(' ')
}

fn postgres_bin() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries.flatten().map(|e| e.path().join("bin")).filter(|p| p.join("postgres").exists()).collect()
        })
        .unwrap_or_default();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("PostgreSQL is missing: apt-get install postgresql"))
}

fn mariadbd() -> PathBuf {
    let places = ["/usr/sbin/mariadbd", "/usr/bin/mariadbd", "/usr/local/sbin/mariadbd"];
    let found = places.iter().map(PathBuf::from).find(|p| p.exists());
    found.unwrap_or_else(|| panic!("MariaDB is missing: apt-get install mariadb-server"))
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("command runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
