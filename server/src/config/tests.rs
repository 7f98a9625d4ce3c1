use super::*;

fn settings() -> Settings {
    Settings::default()
}

#[test]
fn plain_http_is_allowed_on_this_machine_only() {
    assert!(settings().resolve().unwrap().require_secure().is_ok());
    let open = Settings { addr: Some("0.0.0.0:3000".parse().unwrap()), ..settings() };
    let error = open.resolve().unwrap().require_secure().unwrap_err().to_string();
    assert!(error.contains("--public-url"), "{error}");
    for elsewhere in ["http://localhost.evil.test", "http://127.0.0.1.evil.test:3000", "http://tower.test"] {
        let named = Settings { public_url: Some(elsewhere.into()), ..settings() };
        assert!(named.resolve().unwrap().require_secure().is_err(), "{elsewhere}");
    }
    for here in ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:3000", "HTTPS://tower.test"] {
        let named = Settings { public_url: Some(here.into()), ..settings() };
        assert!(named.resolve().unwrap().require_secure().is_ok(), "{here}");
    }
    let proxied = Settings { public_url: Some("https://tower.test/".into()), ..settings() };
    let config = proxied.resolve().unwrap();
    assert!(config.require_secure().is_ok() && config.secure_cookies());
    assert_eq!(config.system.public_url, "https://tower.test");
}

#[test]
fn half_set_systems_are_refused() {
    let half = Settings { odoo_url: Some("http://127.0.0.1:8069".into()), ..settings() };
    assert!(half.resolve().unwrap_err().to_string().contains("belong together"));
}

/// Every wrong setting is refused with its name, what is wrong with it and what to do.
#[test]
fn a_wrong_configuration_says_what_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        path
    };
    let (key, empty, nowhere) =
        (file("key", "secret-of-the-test", 0o600), file("empty", "\n", 0o600), folder.path().join("no"));
    let (group, others) = (file("g", "secret-of-the-test", 0o640), file("o", "secret-of-the-test", 0o604));
    let odoo = |url: &str, key: &PathBuf| Settings {
        odoo_url: Some(url.into()),
        odoo_database: Some("prod".into()),
        odoo_key_file: Some(key.clone()),
        ..settings()
    };
    let desk = |key: &PathBuf| Settings {
        desk_url: Some("https://desk.test".into()),
        desk_token_file: Some(key.clone()),
        ..settings()
    };
    let cases: Vec<(Settings, &[&str])> = vec![
        (
            Settings { odoo_url: Some("https://odoo.test".into()), ..settings() },
            &["Odoo", "missing: --odoo-database, --odoo-key-file"],
        ),
        (Settings { odoo_key_file: Some(key.clone()), ..settings() }, &["missing: --odoo-url, --odoo-database"]),
        (
            Settings { desk_url: Some("https://desk.test".into()), ..settings() },
            &["service desk", "missing: --desk-token-file"],
        ),
        (Settings { desk: Some("kayako".into()), ..settings() }, &["--desk kayako", "request_tracker"]),
        (Settings { desk: Some("kayako".into()), ..desk(&key) }, &["--desk kayako", "request_tracker"]),
        (odoo("odoo.test", &key), &["--odoo-url odoo.test", "https://"]),
        (odoo("127.0.0.1:8069", &key), &["--odoo-url 127.0.0.1:8069", "https://"]),
        (odoo("ftp://odoo.test", &key), &["--odoo-url ftp://odoo.test", "must begin with https:// or http://"]),
        (odoo("https://user:pw@odoo.test", &key), &["--odoo-url", "no user, password"]),
        (Settings { desk_url: Some("desk.test".into()), ..desk(&key) }, &["--desk-url desk.test", "https://"]),
        (odoo("https://odoo.test", &nowhere), &["--odoo-key-file", "no", "cannot be read", "write the key"]),
        (odoo("https://odoo.test", &empty), &["--odoo-key-file", "is empty", "write the key"]),
        (odoo("https://odoo.test", &group), &["--odoo-key-file", "can be read by others", "chmod 600"]),
        (desk(&others), &["--desk-token-file", "can be read by others", "chmod 600"]),
        (odoo("http://odoo.test", &key), &["--odoo-url http://odoo.test", "https://", "--allow-plain-http"]),
        (odoo("http://localhost.evil.test", &key), &["--odoo-url", "https://"]),
        (odoo("http://127.0.0.1.evil.test:8069", &key), &["--odoo-url", "https://"]),
        (Settings { desk_url: Some("http://10.0.0.7/".into()), ..desk(&key) }, &["--desk-url", "https://"]),
        (Settings { public_url: Some("tower.test".into()), ..settings() }, &["--public-url tower.test", "https://"]),
        (desk(&nowhere), &["--desk-token-file", "cannot be read", "write the key"]),
        (desk(&empty), &["--desk-token-file", "is empty", "write the key"]),
        (Settings { database_url: Some("mysql://u:p@h/d".into()), ..settings() }, &["DATABASE_URL", "postgres://"]),
    ];
    for (settings, expected) in cases {
        let text = format!("{:#}", settings.clone().resolve().expect_err(&format!("{settings:?}")));
        for part in expected {
            assert!(text.contains(part), "{text:?} lacks {part:?}");
        }
        assert!(!text.contains("secret-of-the-test"), "{text}");
    }
    let taken = [odoo("https://odoo.test/odoo", &key), odoo("http://localhost:8069", &key), odoo("http://[::1]", &key)];
    let inside = Settings { allow_plain_http: true, ..odoo("http://odoo:8069", &key) };
    assert!(taken.into_iter().chain([inside]).all(|settings| settings.resolve().is_ok()));
}

#[test]
fn a_page_of_odoo_leads_to_its_address() {
    for (given, taken) in [
        ("https://odoo.test", "https://odoo.test"),
        ("https://odoo.test/", "https://odoo.test"),
        ("https://odoo.test/odoo", "https://odoo.test"),
        (" https://odoo.test:8069/odoo/inventory?debug=1#x ", "https://odoo.test:8069"),
        ("http://127.0.0.1:8069/web", "http://127.0.0.1:8069"),
        ("https://odoo.test/web/login?db=prod", "https://odoo.test"),
        ("https://erp.test/company/odoo/", "https://erp.test/company"),
        ("https://odoo.test/jsonrpc", "https://odoo.test"),
        ("https://web.odoo.test/other", "https://web.odoo.test/other"),
    ] {
        assert_eq!(odoo_site(given), taken, "{given}");
    }
}

#[test]
fn a_key_file_is_read_again() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "TOKEN=first\n").unwrap();
    let key = key_in_file("--desk-token-file", file.path().to_owned()).unwrap();
    assert_eq!(key.get().expose_secret(), "first");
    std::fs::write(file.path(), "second\n").unwrap();
    assert_eq!(key.get().expose_secret(), "first", "only when it is refused");
}

#[test]
fn a_database_address_is_postgres_or_refused_without_showing_it() {
    let of = |url: &str| Settings { database_url: Some(url.into()), ..settings() }.resolve();
    assert!(matches!(settings().resolve().unwrap().database, Database::Sqlite(_)));
    assert!(matches!(of("postgres://u:secret@h/d").unwrap().database, Database::Postgres(_)));
    let error = of("mysql://u:secret@h/d").unwrap_err().to_string();
    assert!(error.contains("postgres://") && !error.contains("secret"), "{error}");
}

#[test]
fn the_file_lies_below_the_command_line() {
    let file: Settings = toml::from_str("company = \"File\"\nsilence_hours = 10").unwrap();
    let top = Settings { company: Some("Line".into()), ..settings() };
    let merged = top.over(file);
    assert_eq!((merged.company.as_deref(), merged.silence_hours), (Some("Line"), Some(10)));
    assert!(toml::from_str::<Settings>("no_such_setting = 1").is_err());
}
