//! S3 and CloudFront, as moto plays them.

use hitmark_testbed::assets::{AssetSet, IMMUTABLE, SHORT};
use hitmark_testbed::cdn::{
    CdnConfig, CloudFront, Credentials, Invalidation, Provider, Store, SyncMode, invalidate, sync,
};
use hitmark_testkit::Moto;

use crate::support::Client;

fn config(moto: &Moto) -> CdnConfig {
    CdnConfig {
        provider: Provider::CloudFront,
        store: Some("s3://my-app-assets/site".to_owned()),
        cloudfront: CloudFront {
            distribution_id: None,
            region: "us-east-1".to_owned(),
            endpoint: Some(moto.url().parse().unwrap()),
            credentials: Some(Credentials { key_id: "AKIATEST".to_owned(), secret: "test".to_owned() }),
        },
        ..CdnConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gets_each_asset_once_with_its_headers() {
    let moto = Moto::start().await.unwrap();
    let client = Client::of(&moto.url());
    assert_eq!(client.send("PUT", "/my-app-assets", &[], "").await.status, 200);
    let store = Store::open(&config(&moto)).unwrap();
    let assets = AssetSet::built_in();
    let first = sync(&assets, &store, SyncMode::Apply).await.unwrap();
    assert_eq!((first.uploaded.len(), first.unchanged), (2 * assets.len(), 0));
    let second = sync(&assets, &store, SyncMode::Apply).await.unwrap();
    assert_eq!((second.uploaded.len(), second.unchanged), (0, 2 * assets.len()));
    let asset = assets.find("css/main.css").unwrap();
    for (name, control) in [(&asset.versioned, IMMUTABLE), (&asset.name, SHORT)] {
        let path = format!("/my-app-assets/site/assets/{name}");
        // Signed for S3, since moto chooses the service by that.
        let got = client.send("GET", &path, &[("authorization", &scope("s3"))], "").await;
        assert_eq!((got.status, got.header("cache-control")), (200, control), "{name}");
        assert_eq!((got.header("content-type"), &got.body), (asset.content_type, &asset.body));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_named() {
    let moto = Moto::start().await.unwrap();
    let store = Store::open(&config(&moto)).unwrap();
    let error = sync(&AssetSet::built_in(), &store, SyncMode::Apply).await.expect_err("no bucket");
    assert!(error.to_string().contains("s3://my-app-assets/site"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_is_told_what_to_forget() {
    let moto = Moto::start().await.unwrap();
    let client = Client::of(&moto.url());
    let signed = scope("cloudfront");
    let headers = [("authorization", signed.as_str()), ("content-type", "text/xml")];
    let made = client.send("POST", "/2020-05-31/distribution", &headers, DISTRIBUTION).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let text = String::from_utf8(made.body.to_vec()).unwrap();
    let id = text.split("<Id>").nth(1).unwrap().split('<').next().unwrap().to_owned();

    let mut config = config(&moto);
    let targets = ["/css/main.css".to_owned(), "/pages/*".to_owned()];
    assert!(invalidate(&config, &AssetSet::built_in(), &targets).await.is_err(), "no distribution is named");
    config.cloudfront.distribution_id = Some(id.clone());
    let told = invalidate(&config, &AssetSet::built_in(), &targets).await.unwrap();
    let Invalidation::UnderWay(invalidation) = &told[0].outcome else { panic!("{told:?}") };
    let path = format!("/2020-05-31/distribution/{id}/invalidation/{invalidation}");
    let seen = client.send("GET", &path, &headers[..1], "").await;
    let seen = String::from_utf8(seen.body.to_vec()).unwrap();
    for path in ["/assets/css/main.css", "/pages/*"] {
        assert!(seen.contains(&format!("<Path>{path}</Path>")), "{seen}");
    }

    config.cloudfront.distribution_id = Some("ENONE".to_owned());
    let told = invalidate(&config, &AssetSet::built_in(), &targets).await.unwrap();
    let Invalidation::Failed(why) = &told[0].outcome else { panic!("{told:?}") };
    assert!(why.contains("404"), "{why}");
}

/// As much of a signature as moto looks at.
fn scope(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

const DISTRIBUTION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DistributionConfig xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
  <CallerReference>test</CallerReference>
  <Comment>test</Comment>
  <Enabled>true</Enabled>
  <Origins><Quantity>1</Quantity><Items><Origin>
    <Id>bucket</Id><DomainName>my-app-assets.s3.amazonaws.com</DomainName>
    <S3OriginConfig><OriginAccessIdentity></OriginAccessIdentity></S3OriginConfig>
  </Origin></Items></Origins>
  <DefaultCacheBehavior>
    <TargetOriginId>bucket</TargetOriginId>
    <ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>
    <MinTTL>0</MinTTL>
    <ForwardedValues><QueryString>false</QueryString><Cookies><Forward>none</Forward></Cookies></ForwardedValues>
  </DefaultCacheBehavior>
</DistributionConfig>"#;
