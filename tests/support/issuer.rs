//! An issuer of OIDC tokens, which signs them with ES256.
//!
//! [`Tokens`] describes the tokens: their claims, their life and their key. [`Tokens::mint`] signs one in the test.
//! [`Tokens::command`] returns a shell command that prints a new one each time: it starts the probe, which signs the
//! token itself. A test can replace the description later (see [`Tokens::write`]).

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Map, Value, json};

use super::probe::probe;

/// The issuer of the tokens in most tests.
pub const ISSUER: &str = "https://ci.example.com";
/// The audience that STS expects by default.
pub const AUDIENCE: &str = "sts.amazonaws.com";
/// The subject of the tokens in most tests.
pub const SUBJECT: &str = "repo:octo-org/octo-repo:ref:refs/heads/main";

/// The tokens of an issuer. They differ only in `iat`, `exp` and `jti`.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The private key, in PKCS #8.
    key: Vec<u8>,
    life: Duration,
    /// These claims replace the usual ones. A claim that is null is left out.
    claims: Map<String, Value>,
}

impl Tokens {
    /// Tokens of [`ISSUER`] for [`AUDIENCE`] and [`SUBJECT`], with a new key and a life of five minutes.
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": SUBJECT});
        let Value::Object(claims) = claims else { unreachable!("it is an object") };
        Self { key: key.expect("a key").as_ref().to_vec(), life: Duration::from_mins(5), claims }
    }

    /// Tokens that are valid for this time. A life of zero is over at once.
    #[must_use]
    pub fn life(self, life: Duration) -> Self {
        Self { life, ..self }
    }

    /// Tokens with this claim. Null removes the claim; `exp` may be set too.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    pub fn issuer(&self) -> &str {
        self.claims["iss"].as_str().unwrap_or_default()
    }

    /// The public key, an uncompressed point.
    pub fn public_key(&self) -> Vec<u8> {
        self.pair().public_key().as_ref().to_vec()
    }

    fn pair(&self) -> EcdsaKeyPair {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key, &SystemRandom::new());
        pair.expect("a key of our own")
    }

    /// A new token.
    pub fn mint(&self) -> String {
        let random = SystemRandom::new();
        let mut id = [0; 16];
        random.fill(&mut id).expect("random bytes");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        let mut claims = Map::new();
        claims.insert("jti".into(), hex(&id).into());
        claims.insert("iat".into(), now.as_secs().into());
        claims.insert("exp".into(), (now + self.life).as_secs_f64().into());
        claims.extend(self.claims.clone());
        claims.retain(|_, value| !value.is_null());
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": "1"}).to_string();
        let message =
            format!("{}.{}", base64url(header.as_bytes()), base64url(Value::Object(claims).to_string().as_bytes()));
        let signature = self.pair().sign(&random, message.as_bytes()).expect("a signature");
        format!("{message}.{}", base64url(signature.as_ref()))
    }

    /// Writes the description to a file, for [`Self::command`]. An existing file is replaced at once.
    #[track_caller]
    pub fn write(&self, path: &Path) {
        let life = self.life.as_secs_f64();
        let text = json!({"key": hex(&self.key), "life": life, "claims": self.claims}).to_string();
        let new = path.with_extension("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, path)).expect("the description can be written");
    }

    fn read(path: &str) -> Self {
        let text = fs::read(path).expect("the description can be read");
        let mut description: Map<String, Value> = serde_json::from_slice(&text).expect("it is our own");
        let key = description["key"].as_str().map(bytes_of).expect("a key");
        let life = Duration::from_secs_f64(description["life"].as_f64().expect("seconds"));
        let Some(Value::Object(claims)) = description.remove("claims") else { panic!("no claims") };
        Self { key, life, claims }
    }

    /// Writes the description to `path`, and returns a shell command that prints a new token each time it is run. No
    /// program besides the probe is needed.
    #[track_caller]
    pub fn command(&self, path: &Path) -> String {
        self.write(path);
        let [program, mark] = probe().map(|word| word.into_string().expect("a path in UTF-8"));
        shlex::try_join([program.as_str(), &mark, "token", path.to_str().expect("a path in UTF-8")])
            .expect("no word contains a NUL byte")
    }
}

/// The step `token FILE` of the probe.
pub fn print_token(path: &str) -> String {
    Tokens::read(path).mint()
}

/// The header, the claims, and whether the key has signed them. `None` if the text is not a JWT.
pub(super) fn opened(token: &str, public_key: &[u8]) -> Option<bool> {
    let (message, signature) = token.rsplit_once('.')?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_key);
    Some(key.verify(message.as_bytes(), &from_base64url(signature)?).is_ok())
}

/// The claims of a token. `None` if the text is not a JWT.
pub fn claims_of(token: &str) -> Option<Map<String, Value>> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = parts[..] else { return None };
    let header: Value = serde_json::from_slice(&from_base64url(header)?).ok()?;
    header.is_object().then_some(())?;
    serde_json::from_slice(&from_base64url(payload)?).ok()
}

fn base64url(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    aws_smithy_types::base64::decode(text.replace('-', "+").replace('_', "/") + &padding).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_command_prints_a_new_signed_token_each_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("it's a file");
        let command = Tokens::new().claim("ref", "main").command(&path);
        let run = || {
            let output = Command::new("sh").args(["-c", &command]).output().expect("there is a shell");
            String::from_utf8(output.stdout).expect("text").trim().to_owned()
        };
        let tokens = [run(), run()];
        assert_ne!(tokens[0], tokens[1]);
        let ours = Tokens::read(path.to_str().expect("a path"));
        for token in &tokens {
            assert_eq!(opened(token, &ours.public_key()), Some(true));
            assert_eq!(opened(token, &Tokens::new().public_key()), Some(false));
            assert_eq!(claims_of(token).expect("claims")["ref"], "main");
        }
        ours.claim("ref", "other").write(&path);
        assert_eq!(claims_of(&run()).expect("claims")["ref"], "other");
    }
}
