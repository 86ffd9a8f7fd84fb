//! Makes the certificates of the C tests: certificates FOLDER. Nothing of it outlives the build tree.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

const REVOKED: u64 = 4711;

struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

struct Folder(PathBuf);

impl Folder {
    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(format!("{name}.pem")), text).expect("the folder is writable");
    }

    fn write_owner(&self, name: &str, certificate: &str, key: &KeyPair) {
        self.write(name, certificate);
        self.write(&format!("{name}-key"), &key.serialize_pem());
    }

    fn authority(&self, name: &str) -> Authority {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        self.write_owner(name, &params.self_signed(&key).expect("a certificate").pem(), &key);
        Authority { params, key }
    }

    /// A certificate for these names, changed as wanted.
    fn issue(
        &self,
        issuer: &Authority,
        name: &str,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let mut params = leaf(name, names);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key));
        self.write_owner(name, &certificate.expect("a certificate").pem(), &key);
    }
}

fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("good names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

fn leaf(name: &str, names: &[&str]) -> CertificateParams {
    let mut params = params(name, names);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn revocation_list(authority: &Authority) -> String {
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(2120, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(REVOKED),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let issuer = Issuer::from_params(&authority.params, &authority.key);
    params.signed_by(&issuer).expect("a list").pem().expect("PEM")
}

fn main() {
    let folder = std::env::args_os().nth(1).expect("the folder is the argument");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let folder = Folder(Path::new(&folder).to_path_buf());
    let local = ["localhost", "127.0.0.1", "::1"];
    let trusted = folder.authority("authority");
    let other = folder.authority("other-authority");
    folder.issue(&trusted, "good", &local, |_| ());
    folder.issue(&trusted, "expired", &local, |params| params.not_after = date_time_ymd(2021, 1, 1));
    folder.issue(&trusted, "not-yet-valid", &local, |params| params.not_before = date_time_ymd(2110, 1, 1));
    folder.issue(&trusted, "wrong-name", &["example.test"], |_| ());
    folder.issue(&trusted, "wildcard", &["*.example.test"], |_| ());
    folder.issue(&trusted, "address", &["127.0.0.1"], |_| ());
    folder.issue(&trusted, "revoked", &local, |params| {
        params.serial_number = Some(SerialNumber::from(REVOKED));
    });
    folder.issue(&trusted, "authority-as-peer", &local, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    folder.issue(&other, "unknown-issuer", &local, |_| ());
    folder.issue(&trusted, "client", &["client"], |_| ());
    folder.issue(&other, "other-client", &["client"], |_| ());
    folder.issue(&trusted, "expired-client", &["client"], |params| {
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    folder.write("revocation-list", &revocation_list(&trusted));
    let key = KeyPair::generate().expect("a key");
    let certificate = leaf("self-signed", &local).self_signed(&key).expect("a certificate");
    folder.write_owner("self-signed", &certificate.pem(), &key);
    // Last, so that who finds it finds all.
    folder.write("complete", "");
}
