//! The proof (`DPoP`, RFC 9449) that is sent with a refresh token. It proves that the sender has the key of the login.
//! It is a JSON Web Token that is signed with this key.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// Returns the value of the `DPoP` header for one POST request to `url`. Returns `None` if the key cannot be used, or
/// if no random bytes are available.
pub(super) fn proof(key: &str, url: &str, now: SystemTime) -> Option<String> {
    let random = SystemRandom::new();
    // Some files contain a backslash and an `n` in place of each line break of the key.
    let pem = Zeroizing::new(key.replace("\\n", "\n"));
    let pkcs8 = Zeroizing::new(match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
        // SEC1 is the form in which the AWS CLI writes the key.
        PrivateKeyDer::Sec1(key) => pkcs8(key.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(key) => key.secret_pkcs8_der().to_vec(),
        _ => return None,
    });
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random).ok()?;
    // The public key is an uncompressed point. It consists of one byte, which marks this format, and two coordinates of
    // 32 bytes.
    let (x, y) = key.public_key().as_ref().get(1..)?.split_at_checked(32)?;
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) });
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
    let issued = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let payload = json!({ "jti": identifier()?, "htm": "POST", "htu": url, "iat": issued });
    let message = [header, payload].map(|part| base64url(part.to_string().as_bytes())).join(".");
    let signature = key.sign(&random, message.as_bytes()).ok()?;
    Some(format!("{message}.{}", base64url(signature.as_ref())))
}

/// Converts the key to PKCS #8 (RFC 5958), which is the form that ring can read. It contains version 0, the algorithm
/// P-256, and the key.
fn pkcs8(sec1: &[u8]) -> Vec<u8> {
    const VERSION: &[u8] = &[0x02, 0x01, 0x00];
    const P_256: &[u8] = &[
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x03, 0x01, 0x07,
    ];
    let key = Zeroizing::new(element(0x04, sec1));
    element(0x30, &Zeroizing::new([VERSION, P_256, &key].concat()))
}

/// Returns an element in DER: tag, length, content. The content may have at most 65,535 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let header: &[u8] = match (high, low) {
        (0, 0..=0x7f) => &[tag, low],
        (0, _) => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [header, content].concat()
}

/// Returns a random UUID (version 4). Returns `None` if no random bytes are available.
fn identifier() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Encodes bytes in base64url (RFC 4648, section 5) without padding.
fn base64url(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    /// A key that was created for this test.
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\n\
                       MHcCAQEEIBuU7kzOSfpq4ikD0PcueGFYnO53xXpE5y6hN4QJPgI2oAoGCCqGSM49\n\
                       AwEHoUQDQgAElGVchp+qeT04dHtGmNIHT6jER9wUo5zzp6epmVL74DSWzz/Jtv1f\n\
                       TiLZ1OX7uX9/a1DUpxO+3y1qy7O8+ONFhA==\n\
                       -----END EC PRIVATE KEY-----\n";

    /// The same key in PKCS #8, the form that other tools write.
    const KEY_IN_PKCS_8: &str = "-----BEGIN PRIVATE KEY-----\n\
                                 MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG5TuTM5J+mriKQPQ\n\
                                 9y54YVic7nfFekTnLqE3hAk+AjahRANCAASUZVyGn6p5PTh0e0aY0gdPqMRH3BSj\n\
                                 nPOnp6mZUvvgNJbPP8m2/V9OItnU5fu5f39rUNSnE77fLWrLs7z440WE\n\
                                 -----END PRIVATE KEY-----\n";

    fn decoded(text: &str) -> Vec<u8> {
        let value = |c: char| match c {
            'A'..='Z' => c as u32 - 65,
            'a'..='z' => c as u32 - 71,
            '0'..='9' => c as u32 + 4,
            '-' => 62,
            _ => 63,
        };
        let bit = |at: usize| value(char::from(text.as_bytes()[at / 6])) >> (5 - at % 6) & 1;
        let byte = |first: usize| (0..8).fold(0, |byte, at| byte << 1 | bit(8 * first + at));
        (0..text.len() * 6 / 8).map(|at| u8::try_from(byte(at)).expect("a byte")).collect()
    }

    #[test]
    fn base64_is_as_in_the_rfc() {
        for (bytes, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg")] {
            assert_eq!(base64url(bytes.as_bytes()), text);
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn a_proof_is_signed_by_the_key_in_its_header() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(458_754);
        let proof = proof(KEY, "https://signin.example/v1/token", now).expect("a proof");
        let parts: Vec<&str> = proof.split('.').collect();
        let [header, payload, signature] = parts[..] else { panic!("{proof}") };
        let [header_json, payload_json]: [Value; 2] =
            [header, payload].map(|part| serde_json::from_slice(&decoded(part)).expect("JSON"));
        assert_eq!((&header_json["typ"], &header_json["alg"]), (&"dpop+jwt".into(), &"ES256".into()));
        assert_eq!((&payload_json["htm"], &payload_json["iat"]), (&"POST".into(), &1_651_514_400_u64.into()));
        assert_eq!(payload_json["htu"], "https://signin.example/v1/token");
        let point = ["x", "y"].map(|name| decoded(header_json["jwk"][name].as_str().expect("a coordinate"))).concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], point].concat());
        public.verify(format!("{header}.{payload}").as_bytes(), &decoded(signature)).expect("signed");
        let escaped = KEY.replace('\n', "\\n");
        assert!(super::proof(&escaped, "https://signin.example/v1/token", now).is_some());
        assert!(super::proof(KEY_IN_PKCS_8, "https://signin.example/v1/token", now).is_some());
        assert!(super::proof("no key", "https://signin.example/v1/token", now).is_none());
    }

    #[test]
    fn identifiers_are_uuids_of_version_4() {
        let one = identifier().expect("random");
        assert_eq!((one.len(), &one[14..15]), (36, "4"));
        assert!(["8", "9", "a", "b"].contains(&&one[19..20]), "{one}");
        assert_ne!(Some(one), identifier());
    }
}
