use proptest::prelude::*;
use sm4::cipher::{BlockCipherEncrypt, KeyInit};

use super::*;

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

#[test]
fn sm3_gives_the_digests_of_gbt_32905() {
    assert_eq!(sm3(b"abc").to_hex(), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_eq!(
        sm3("abcd".repeat(16).as_bytes()).to_hex(),
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    );
}

#[test]
fn sha256_gives_the_digest_of_fips_180() {
    assert_eq!(sha256(b"abc").to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn digest_of_pieces_is_the_digest_of_the_whole() {
    for profile in [Profile::Sm, Profile::Intl] {
        let mut hasher = Hasher::new(profile);
        hasher.update(b"a");
        hasher.update(b"");
        hasher.update(b"bc");
        let whole = match profile {
            Profile::Sm => sm3(b"abc"),
            Profile::Intl => sha256(b"abc"),
        };
        assert_eq!(hasher.finish(), whole);
    }
}

#[test]
fn hmac_gives_the_published_codes() {
    // RFC 4231 keys and messages; the SM3 codes are those that OpenSSL gives for them.
    let cases: [(&[u8], &[u8], &str, &str); 3] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "51b00d1fb49832bfb01c3ce27848e59f871d9ba938dc563b338ca964755cce70",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "b4fd844e13342002f0b2e0690ea7741f1497d993a70494cea601e657bedf67a0",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ];
    for (key, message, sm, intl) in cases {
        assert_eq!(HmacSm3::new(key).mac(message).to_hex(), sm);
        assert_eq!(HmacSha256::new(key).mac(message).to_hex(), intl);
    }
}

#[test]
fn hmac_of_parts_is_that_of_the_whole_and_verifies() {
    let key = HmacSm3::new(b"grant key");
    let code = key.mac(b"441802199001011234");
    assert_eq!(key.mac_parts(&[b"441802", b"", b"199001011234"]), code);
    assert!(key.verify(b"441802199001011234", &code));
    assert!(!key.verify(b"441802199001011235", &code));
    assert_ne!(HmacSm3::new(b"other grant").mac(b"441802199001011234"), code);
}

#[test]
fn sm4_gives_the_block_of_gbt_32907() {
    let key = bytes("0123456789abcdeffedcba9876543210");
    let cipher = sm4::Sm4::new_from_slice(&key).unwrap();
    let mut block = sm4::cipher::Block::<sm4::Sm4>::try_from(key.as_slice()).unwrap();
    cipher.encrypt_block(&mut block);
    assert_eq!(block.to_vec(), bytes("681edf34d206965e86b3e94f536e4246"));
    for _ in 1..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(block.to_vec(), bytes("595298c7c6fd271f0402f804c33d3f66"));
}

#[test]
fn sm4_gcm_gives_the_cipher_text_of_rfc_8998() {
    let key = AeadKey::from_bytes(Suite::Sm4Gcm, &bytes("0123456789abcdeffedcba9876543210")).unwrap();
    let nonce: [u8; 12] = bytes("00001234567800000000abcd").try_into().unwrap();
    let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain = bytes(concat!(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    ));
    let sealed = key.encrypt(&nonce, &aad, &plain).unwrap();
    assert_eq!(
        hex::encode(&sealed),
        concat!(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
            "83de3541e4c2b58177e065a9bf7b62ec"
        )
    );
    assert_eq!(*key.decrypt(&nonce, &aad, &sealed).unwrap(), plain);
    assert_eq!(key.decrypt(&nonce, b"", &sealed), Err(CryptoError::NotAuthentic));
}

#[test]
fn aes_256_gcm_gives_the_published_cipher_text() {
    // Test case 14 of the GCM submission: zero key, zero nonce, one zero block.
    let key = AeadKey::from_bytes(Suite::Aes256Gcm, &[0; 32]).unwrap();
    let sealed = key.encrypt(&[0; 12], b"", &[0; 16]).unwrap();
    assert_eq!(hex::encode(sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

#[test]
fn sm2_verifies_the_signature_of_gbt_32918() {
    let secret = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    let public = concat!(
        "04",
        "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020",
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    );
    let signature = bytes(concat!(
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3",
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
    ));
    let key = SigningKey::from_hex(Algorithm::Sm2, secret).unwrap();
    assert_eq!(key.verifying_key().to_hex(), public);
    key.verifying_key().verify(b"message digest", &signature).unwrap();
    assert_eq!(key.verifying_key().verify(b"message digesu", &signature), Err(CryptoError::BadSignature));
    let own = key.sign(b"message digest").unwrap();
    key.verifying_key().verify(b"message digest", &own).unwrap();
}

#[test]
fn ed25519_gives_the_signature_of_rfc_8032() {
    let key =
        SigningKey::from_hex(Algorithm::Ed25519, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
            .unwrap();
    assert_eq!(key.verifying_key().to_hex(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    assert_eq!(
        hex::encode(key.sign(&[0x72]).unwrap()),
        concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        )
    );
}

#[test]
fn keys_survive_pem_and_hex() {
    let mut rng = rand::rng();
    for algorithm in [Algorithm::Ed25519, Algorithm::Sm2] {
        let key = SigningKey::generate(algorithm, &mut rng);
        let public = key.verifying_key();
        let pem = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
        let hex = SigningKey::from_hex(algorithm, &key.to_hex()).unwrap();
        assert_eq!(pem.verifying_key(), public);
        assert_eq!(hex.verifying_key(), public);
        assert_eq!(VerifyingKey::from_pem(&public.to_pem().unwrap()).unwrap(), public);
        assert_eq!(VerifyingKey::from_hex(algorithm, &public.to_hex()).unwrap(), public);
        assert!(SigningKey::from_pem(&public.to_pem().unwrap()).is_err());
    }
}

#[test]
fn printing_a_secret_shows_no_secret() {
    let key = SigningKey::from_hex(Algorithm::Ed25519, &"ab".repeat(32)).unwrap();
    let ring = KeyRing::parse(&format!("k1 sm4-gcm {}", "cd".repeat(16))).unwrap();
    let printed = format!("{key:?} {ring:?} {:?}", HmacSm3::new(b"secret"));
    assert!(!printed.contains("abab") && !printed.contains("cdcd"), "{printed}");
}

#[test]
fn key_ring_text_is_read_back_and_rejects_nonsense() {
    let mut rng = rand::rng();
    let ring = KeyRing::generate(KeyId::parse("2026-01").unwrap(), Profile::Sm, &mut rng);
    let sealed = seal(&ring, Profile::Sm, b"row 1", b"password", &mut rng).unwrap();
    let ring = ring.rotate(KeyId::parse("2026-02").unwrap(), Profile::Intl, &mut rng).unwrap();
    let ring = KeyRing::parse(&ring.to_text()).unwrap();
    assert_eq!(ring.current_id().as_str(), "2026-02");
    assert_eq!(open(&ring, b"row 1", &sealed).unwrap().as_slice(), b"password");
    assert_eq!(Envelope::parse(&sealed).unwrap().master().as_str(), "2026-01");

    let zeros = "00".repeat(16);
    for text in [
        "",
        "# only a comment",
        "k sm4-gcm",
        "k rot13 00",
        "k sm4-gcm 0011",
        "k sm4-gcm zz",
        "k/1 sm4-gcm 00112233445566778899aabbccddeeff",
        &format!("k sm4-gcm {zeros}\nk sm4-gcm {zeros}"),
    ] {
        assert!(KeyRing::parse(text).is_err(), "{text}");
    }
}

#[test]
fn envelope_without_its_master_key_says_which() {
    let mut rng = rand::rng();
    let ring = KeyRing::generate(KeyId::parse("a").unwrap(), Profile::Intl, &mut rng);
    let other = KeyRing::generate(KeyId::parse("b").unwrap(), Profile::Intl, &mut rng);
    let sealed = seal(&ring, Profile::Intl, b"x", b"y", &mut rng).unwrap();
    assert_eq!(open(&other, b"x", &sealed).unwrap_err(), CryptoError::UnknownKey("a".into()));
    let impostor = KeyRing::generate(KeyId::parse("a").unwrap(), Profile::Intl, &mut rng);
    assert_eq!(open(&impostor, b"x", &sealed).unwrap_err(), CryptoError::NotAuthentic);
}

proptest! {
    #[test]
    fn envelope_opens_only_unchanged_and_in_its_place(
        plain in proptest::collection::vec(any::<u8>(), 0..200),
        aad in proptest::collection::vec(any::<u8>(), 0..40),
        sm in any::<bool>(),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let profile = if sm { Profile::Sm } else { Profile::Intl };
        let mut rng = rand::rng();
        let ring = KeyRing::generate(KeyId::parse("m").unwrap(), profile, &mut rng);
        let sealed = seal(&ring, profile, &aad, &plain, &mut rng).unwrap();
        let opened = open(&ring, &aad, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
        prop_assert_eq!(Envelope::parse(&sealed).unwrap().to_bytes().unwrap(), sealed.clone());
        let elsewhere = [aad.as_slice(), b"!"].concat();
        prop_assert!(open(&ring, &elsewhere, &sealed).is_err());
        let mut changed = sealed.clone();
        let at = place.index(changed.len());
        changed[at] ^= 1 << bit;
        prop_assert!(open(&ring, &aad, &changed).is_err());
        prop_assert!(open(&ring, &aad, &sealed[..at]).is_err());
    }

    #[test]
    fn parsing_an_envelope_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Envelope::parse(&junk);
    }
}
