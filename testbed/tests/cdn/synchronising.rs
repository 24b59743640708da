//! A folder as the object store.

use hitmark_testbed::assets::AssetSet;
use hitmark_testbed::cdn::{CdnConfig, Store, SyncMode, state, sync};

use crate::support::write;

#[tokio::test]
async fn what_is_there_already_is_skipped_and_what_is_old_stays() {
    let (assets, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(assets.path(), "css/a.css", "a{}");
    write(assets.path(), "js/b.js", "b()");
    let config = CdnConfig { store: Some(folder.path().display().to_string()), ..CdnConfig::default() };
    let store = Store::open(&config).unwrap();
    let set = AssetSet::load(assets.path()).unwrap();

    let planned = sync(&set, &store, SyncMode::DryRun).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a dry run writes nothing");
    let first = sync(&set, &store, SyncMode::Apply).await.unwrap();
    assert_eq!(planned, first);
    assert_eq!((first.uploaded.len(), first.uploaded_bytes, first.unchanged, first.earlier), (4, 12, 0, 0));

    let second = sync(&set, &store, SyncMode::Apply).await.unwrap();
    assert_eq!((second.uploaded.len(), second.unchanged), (0, 4));

    // The same size and another content: only the hash tells.
    write(assets.path(), "css/a.css", "c{}");
    let newer = AssetSet::load(assets.path()).unwrap();
    let third = sync(&newer, &store, SyncMode::Apply).await.unwrap();
    assert_eq!(
        third.uploaded,
        ["css/a.css".to_owned(), newer.find("css/a.css").unwrap().versioned.clone()]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    assert_eq!((third.unchanged, third.earlier), (2, 1));
    let old = &set.find("css/a.css").unwrap().versioned;
    let kept = std::fs::read_to_string(folder.path().join("assets").join(old)).unwrap();
    assert_eq!(kept, "a{}", "pages of the earlier release still find it");

    let seen = state(&newer, &store).await.unwrap();
    assert_eq!((seen.files, seen.to_upload, seen.earlier), (2, 0, 1));
}

#[tokio::test]
async fn a_broken_manifest_or_a_cut_object_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let config = CdnConfig { store: Some(folder.path().display().to_string()), ..CdnConfig::default() };
    let store = Store::open(&config).unwrap();
    let set = AssetSet::built_in();
    sync(&set, &store, SyncMode::Apply).await.unwrap();
    write(folder.path(), "assets/css/main.css", "cut");
    let mended = sync(&set, &store, SyncMode::Apply).await.unwrap();
    assert_eq!(mended.uploaded, ["css/main.css"]);
    write(folder.path(), "assets/manifest.json", "{");
    let again = sync(&set, &store, SyncMode::Apply).await.unwrap();
    assert_eq!(again.uploaded.len(), set.len(), "what plain names hold is not known any more");
    assert_eq!(sync(&set, &store, SyncMode::Apply).await.unwrap().uploaded.len(), 0);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_until_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").display().to_string();
    let config = CdnConfig { store: Some(path.clone()), ..CdnConfig::default() };
    let error = Store::open(&config).expect_err("no folder").to_string();
    assert!(error.contains(&path), "{error}");
    assert!(Store::create(&config).is_ok());
    assert!(Store::open(&config).is_ok());
}
