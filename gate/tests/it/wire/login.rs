use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hufu_gate::GateConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::city::{PASSWORD, city_with, usual};

#[tokio::test(flavor = "multi_thread")]
async fn who_6_only_the_right_token_opens_the_port() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    assert_eq!(city.ask("SELECT count(*) FROM people").await, "2999\n");
    let said = |output: std::process::Output| {
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap().replace(|c: char| c.is_ascii_digit(), "")
    };
    let wrong = said(city.psql("li.na", "wrong", &["-c", "SELECT 1"]).await);
    let unknown = said(city.psql("nobody", PASSWORD, &["-c", "SELECT 1"]).await);
    let empty = said(city.psql("li.na", "", &["-w", "-c", "SELECT 1"]).await);
    assert!(wrong.contains("FATAL") && wrong.contains("登录失败"), "{wrong}");
    assert_eq!(wrong, unknown, "an unknown account is not told from a wrong token");
    assert!(!empty.is_empty());
    assert!(!wrong.contains(PASSWORD));
}

fn startup(user: &str) -> Vec<u8> {
    let mut body = 196_608_i32.to_be_bytes().to_vec();
    for part in ["user", user, "database", "hufu"] {
        body.extend_from_slice(part.as_bytes());
        body.push(0);
    }
    body.push(0);
    let mut message = (body.len() as i32 + 4).to_be_bytes().to_vec();
    message.extend(body);
    message
}

fn query(sql: &str) -> Vec<u8> {
    let mut message = vec![b'Q'];
    message.extend((sql.len() as i32 + 5).to_be_bytes());
    message.extend(sql.as_bytes());
    message.push(0);
    message
}

fn parse(sql: &str) -> Vec<u8> {
    let mut message = vec![b'P'];
    message.extend((sql.len() as i32 + 8).to_be_bytes());
    message.push(0);
    message.extend(sql.as_bytes());
    message.extend([0, 0, 0]);
    message
}

/// Everything the server says until it hangs up.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said)).await;
    // A reset is hanging up, too.
    let _closed = read.expect("the server hangs up");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn who_6_a_client_that_has_not_logged_in_gets_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    for early in [query("SELECT name FROM people"), parse("SELECT name FROM people")] {
        let mut stream = TcpStream::connect(city.address).await.unwrap();
        stream.write_all(&startup("li.na")).await.unwrap();
        let mut first = [0; 1];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(first[0], b'R', "the server asks for the proof");
        stream.write_all(&early).await.unwrap();
        stream.write_all(&query("SELECT name FROM people")).await.unwrap_or_default();
        let said = String::from_utf8_lossy(&until_closed(&mut stream).await).into_owned();
        assert!(said.contains("FATAL"), "{said}");
        assert!(!said.contains('张'), "rows before log-in");
    }
    // The exchange is right, but the user store fails: the library would go on, we hang up.
    city.desk.broken.store(true, Ordering::SeqCst);
    let output = city.psql("li.na", PASSWORD, &["-c", "SELECT name FROM people"]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("FATAL") && said.contains("用户库暂时不可用"), "{said}");
    assert!(city.book.begun.lock().unwrap().is_empty());
}

fn certificate(dir: &std::path::Path) -> Arc<ServerConfig> {
    let (key, cert) = (dir.join("key.pem"), dir.join("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_file(&cert).unwrap()];
    let config = config.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap());
    Arc::new(config.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_11_with_tls_configured_plain_connections_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let tls = certificate(dir.path());
    let city = city_with(vec![], Some(tls), GateConfig::default()).await;
    let plain = city.psql("li.na", PASSWORD, &["-c", "SELECT 1"]).await;
    assert!(String::from_utf8_lossy(&plain.stderr).contains("只接受加密连接"), "{plain:?}");
    let ca = dir.path().join("cert.pem");
    let verified = format!("verify-full sslrootcert={}", ca.display());
    let private = city.psql_over(&verified, "li.na", PASSWORD, &["-A", "-t", "-c", "SELECT 41 + 1"]).await;
    assert_eq!(String::from_utf8_lossy(&private.stdout), "42\n", "{private:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_6_each_connection_has_its_own_principal() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let one = city.psql("li.na", PASSWORD, &["-A", "-t", "-c", "SELECT name FROM people WHERE id = 7"]).await;
    let two = city.psql("wang.wei", PASSWORD, &["-A", "-t", "-c", "SELECT name FROM people WHERE id = 8"]).await;
    assert!(one.status.success() && two.status.success());
    let askers: Vec<String> = city.book.begun.lock().unwrap().iter().map(|b| b.asker.principal.clone()).collect();
    assert_eq!(askers, ["li.na", "wang.wei"]);
    let none = super::city::city(vec![]).await;
    assert!(none.refusal("SELECT name FROM people").await.contains("42P01"));
}
