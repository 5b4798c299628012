//! Tests of the label, account and role of a session.

use super::{DEPLOY, planned};
use crate::session::Title;

#[test]
fn the_label_is_a_named_profile_if_its_credentials_are_used_and_otherwise_the_role() {
    let other = "[default]\nrole_arn = @X\ncredential_source = Environment\n\
                 [profile s]\nsso_start_url = u\nsso_region = e\nsso_account_id = 111122223333\nsso_role_name = R\n\
                 [profile l]\nlogin_session = arn:aws:iam::444455556666:user/u\n[profile m]\nlogin_session = arn:l";
    let (account, of_a) = (Some("123456789012"), "123456789012:A");
    for (text, variables, flags, label, account, role) in [
        (DEPLOY, "", "-p deploy", "deploy", account, Some("D")),
        (DEPLOY, "AWS_PROFILE=deploy", "", "deploy", account, Some("D")),
        (DEPLOY, "", "-p deploy -r A", of_a, account, Some("A")),
        (DEPLOY, "AWS_PROFILE=base", "-r A", of_a, account, Some("A")),
        (DEPLOY, "", "-r A", of_a, account, Some("A")),
        (DEPLOY, "", "-p base", "base", None, None),
        (other, "KEYS", "", "123456789012:X", account, Some("X")),
        (other, "", "-p s", "s", Some("111122223333"), Some("R")),
        (other, "", "-p s -r A", of_a, account, Some("A")),
        (other, "", "-p l", "l", Some("444455556666"), None),
        (other, "", "-p m", "m", None, None),
    ] {
        let (account, role) = (account.map(str::to_owned), role.map(str::to_owned));
        let title = planned(text, variables, flags).expect(flags).title();
        assert_eq!(title, Title { label: label.into(), account, role }, "{variables} / {flags}");
    }
}
