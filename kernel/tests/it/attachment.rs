//! Files: streamed, digested, limited, never shown inline.

use bytes::Bytes;
use futures::stream;
use hufu_kernel::actor::Role;
use hufu_kernel::attachment::{self, Files, SIZE_BYTES_MAX};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::store::Store;
use hufu_kernel::time::{Clock as _, SystemClock, Timestamp};

use crate::approval::{person, unit};

type Piece = Result<Bytes, std::io::Error>;

fn pieces(all: &[&'static [u8]]) -> impl futures::Stream<Item = Piece> {
    stream::iter(all.iter().map(|piece| Ok(Bytes::from_static(piece))).collect::<Vec<Piece>>())
}

fn count(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[tokio::test]
async fn attachment_is_kept_with_both_digests_and_only_offered_for_download() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    let files = Files::open(&dir.path().join("files")).await.unwrap();
    let uploaded = files.receive("C:\\桌面\\盖章扫描件.pdf", pieces(&[b"%PD", b"F-1.7 abc"])).await.unwrap();
    assert_eq!((uploaded.name.as_str(), uploaded.size_bytes), ("盖章扫描件.pdf", 12));
    assert_eq!(uploaded.sha256, hufu_crypto::sha256(b"%PDF-1.7 abc").to_hex());
    assert_eq!(uploaded.sm3, hufu_crypto::sm3(b"%PDF-1.7 abc").to_hex());
    let tx = store.begin().await.unwrap();
    let by = person(&unit("u"), "lin", &[Role::R3]);
    let id = attachment::attach(&tx, uploaded, &ObjectRef::new("a", "1", "A-1"), &by, Timestamp::from_millis(1)).await.unwrap();
    tx.commit().await.unwrap();
    let row = attachment::find(store.reader(), &id).await.unwrap();
    let download = files.open_file(row.clone()).await.unwrap();
    assert_eq!(download.disposition(), "attachment; filename*=UTF-8''%E7%9B%96%E7%AB%A0%E6%89%AB%E6%8F%8F%E4%BB%B6.pdf");
    // A file changed behind the register is not handed out.
    std::fs::write(dir.path().join("files").join(id.as_str()), b"%PDF-1.7 abd").unwrap();
    assert_eq!(files.open_file(row).await.unwrap_err().code(), "HF-FILE-CHANGED");
}

#[tokio::test]
async fn attachment_that_is_wrong_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let files = Files::open(dir.path()).await.unwrap();
    let cases: &[(&str, &[&'static [u8]])] = &[
        ("a.exe", &[b"MZ"]),
        ("a.pdf", &[b"<html>"]),
        ("a.txt", &[b"MZ\x90\x00"]),
        ("a.csv", &[b"x\x00y"]),
        ("a.pdf", &[]),
        ("..", &[b"x"]),
        ("", &[b"x"]),
    ];
    for (name, content) in cases {
        let error = files.receive(name, pieces(content)).await.unwrap_err();
        assert_eq!(error.code(), "HF-INVALID", "{name}");
    }
    let broken = stream::iter([Ok(Bytes::from_static(b"%PDF-")), Err(std::io::Error::other("gone"))]);
    assert_eq!(files.receive("a.pdf", broken).await.unwrap_err().code(), "HF-UPLOAD");
    let piece = Bytes::from(vec![b'%'; 1 << 20]);
    let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
    assert_eq!(files.receive("a.csv", endless).await.unwrap_err().code(), "HF-FILE-LARGE");
    assert_eq!(count(dir.path()), 0, "of {SIZE_BYTES_MAX} bytes nothing stays");
}

#[tokio::test]
async fn attachment_without_a_row_is_swept_after_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    let folder = dir.path().join("files");
    let files = Files::open(&folder).await.unwrap();
    files.receive("a.txt", pieces(&[b"x"])).await.unwrap();
    let now = SystemClock.now();
    assert_eq!(files.sweep(store.reader(), now).await.unwrap(), 0, "its command may still come");
    assert_eq!(files.sweep(store.reader(), now.plus(chrono::Duration::hours(25))).await.unwrap(), 1);
    assert_eq!(count(&folder), 0);
}
