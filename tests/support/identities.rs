//! The identities that the fakes know: the long-term user of the tests, and the identities that instance metadata, a
//! container endpoint, the SSO portal and AWS Sign-In return. Every `FakeSts` accepts them from the start.

/// Credentials and their ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// `None` for long-term keys.
    pub session_token: Option<String>,
    pub arn: String,
    pub chaining: Chaining,
}

/// Whether assuming a role with these credentials is role chaining, which is limited to one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chaining {
    Capped,
    Exempt,
}

impl Identity {
    /// The IAM user in the default environment of `Xassume`.
    pub fn user() -> Self {
        Self::long_term("AKIAUSERDEFAULT00001", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYUSERSECRET", "user/alice")
    }

    /// The role of an EC2 instance. IAM does not apply the limit of role chaining to it.
    pub fn instance() -> Self {
        let session = "AssumeRoleInA/i-0123456789abcdef0";
        Self { chaining: Chaining::Exempt, ..Self::temporary("ASIAINSTANCE00000001", session) }
    }

    /// The role of a container task.
    pub fn task() -> Self {
        Self::temporary("ASIACONTAINER0000001", "TaskRole/0123456789abcdef0123456789abcdef")
    }

    /// The role of a permission set of IAM Identity Center.
    pub fn sso() -> Self {
        Self::temporary("ASIASSOUSER000000001", "AWSReservedSSO_Developer_0123456789abcdef/alice")
    }

    /// The credentials of an IAM user from `aws login`.
    pub fn login() -> Self {
        Self::console("ASIALOGINUSER0000001")
    }

    /// The same after the first refresh.
    pub fn login_refreshed() -> Self {
        Self::console("ASIALOGINUSER0000002")
    }

    fn console(access_key_id: &str) -> Self {
        Self { arn: Self::user().arn, chaining: Chaining::Exempt, ..Self::temporary(access_key_id, "") }
    }

    /// All identities whose keys were not issued by a fake STS.
    pub fn all() -> [Self; 6] {
        [Self::user(), Self::instance(), Self::task(), Self::sso(), Self::login(), Self::login_refreshed()]
    }

    /// A user of account 222222222222; `resource` is for example `user/bob`.
    pub fn long_term(access_key_id: &str, secret_access_key: &str, resource: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: None,
            arn: format!("arn:aws:iam::222222222222:{resource}"),
            chaining: Chaining::Exempt,
        }
    }

    /// A session of account 222222222222; `session` is for example `Role/session-name`. Secret and token are derived
    /// from the key.
    pub fn temporary(access_key_id: &str, session: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_for(access_key_id),
            session_token: Some(token_for(access_key_id)),
            arn: format!("arn:aws:sts::222222222222:assumed-role/{session}"),
            chaining: Chaining::Capped,
        }
    }

    /// The role of an assumed-role session, as a trust policy names it (without its path).
    pub fn role_arn(&self) -> Option<String> {
        let (account, session) = self.arn.split_once(":assumed-role/")?;
        let (role, _) = session.split_once('/')?;
        Some(format!("{}:role/{role}", account.replacen(":sts:", ":iam:", 1)))
    }
}

/// Forty base64 characters, like a real secret. A test can recognize it wherever it appears.
pub fn secret_for(access_key_id: &str) -> String {
    format!("SECRET+{access_key_id:/<20}/bPxRfiSECRET")
}

/// Some hundred base64 characters, with the padding that breaks careless parsers.
pub fn token_for(access_key_id: &str) -> String {
    let filling = "FwoGZXIvYXdzEBYaDKxQ0/TOKEN+j8n3LkWq".repeat(8);
    format!("IQoJb3JpZ2luX2VjTOKEN/{access_key_id}/{filling}==")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_length_of_real_ones_and_roles_their_name() {
        for identity in Identity::all() {
            assert_eq!(identity.access_key_id.len(), 20);
            assert_eq!(identity.secret_access_key.len(), 40);
        }
        let role = Identity::instance().role_arn();
        assert_eq!(role.as_deref(), Some("arn:aws:iam::222222222222:role/AssumeRoleInA"));
        assert_eq!(Identity::user().role_arn(), None);
    }
}
