//! `/openapi.json`: the written document of the pages and the marketplace, and the endpoints of the
//! other systems from the table here, one line each.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

const WRITTEN: &str = include_str!("openapi.json");

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| complete().to_string().into());

/// One operation: method, path, what it does, its query parameters.
type Line = (&'static str, &'static str, &'static str, &'static [&'static str]);

const LINES: &[Line] = &[
    ("get", "/incident/stores/{id}", "A store with its incidents by severity", &[]),
    (
        "get",
        "/incident/stores/{id}/incidents",
        "Its incidents, as the user of hitmark-user may see them",
        &["page", "loading"],
    ),
    ("get", "/incident/users/{id}/permissions", "What a user may do", &[]),
    ("post", "/incident/users/{id}/role", "Gives a user another role; clears the permissions", &["role"]),
    ("get", "/incident/incidents/{id}/photo", "A photo, as JPEG or WebP by Accept", &["size"]),
    ("get", "/incident/incidents/{id}/report.pdf", "The report for printing", &[]),
    (
        "post",
        "/incident/incidents",
        "Reports an incident; prints and mails, now or by tasks",
        &["processing"],
    ),
    ("post", "/incident/photos", "Takes a photo and makes it fit for the web", &[]),
    (
        "put",
        "/market/shops/{id}",
        "Says whether it is verified; clears what shows it",
        &["verified", "invalidating"],
    ),
    ("put", "/market/categories/{id}", "Changes its name; clears what shows it", &["name", "invalidating"]),
    ("put", "/market/users/{id}", "Changes the name; clears the user's orders", &["name", "invalidating"]),
    (
        "get",
        "/bare/market/products/1",
        "The same bytes as without /bare, and no work: the floor under a hit",
        &[],
    ),
    ("get", "/market/users/{id}/orders", "A customer's latest orders, for him alone", &[]),
    ("get", "/score/users/{id}/reports", "A student's score reports, newest first", &[]),
    ("get", "/score/reports/{id}", "A report with its percentiles among all who took its sections", &[]),
    ("get", "/score/reports/{id}/document.pdf", "The report for printing", &[]),
    ("post", "/score/reports/{id}/document", "Prints it, now or by a task", &["processing"]),
    ("post", "/score/reports", "Adds a report; its commit clears every answer that read its tables", &[]),
    ("post", "/score/login", "Begins a session", &[]),
    ("post", "/score/logout", "Ends it", &[]),
    ("get", "/score/me", "The reports of who is logged in", &[]),
    (
        "put",
        "/market/products/{id}",
        "Changes a product; takes out what was read from products",
        &["price_cents", "available", "name", "invalidating"],
    ),
    (
        "post",
        "/market/orders",
        "Orders a product, once for each number; takes out what was read from orders",
        &["order", "product", "customer", "quantity", "last", "invalidating"],
    ),
    (
        "get",
        "/api/v1/analytics/revenue",
        "Revenue by day, week or month",
        &["granularity", "start_date", "end_date", "region", "category"],
    ),
    (
        "get",
        "/api/v1/analytics/segments",
        "Customers by segment, region or risk, and what they bought",
        &["segment_type", "include_predictions"],
    ),
    (
        "get",
        "/api/v1/analytics/products",
        "The fifty products that sell best",
        &["category", "sort_by", "time_range", "include_recommendations"],
    ),
    ("get", "/api/v1/analytics/cohorts", "Customers by the month in which they joined", &[]),
    ("get", "/api/v1/analytics/funnel", "Steps towards a sale", &["stream_type"]),
    (
        "get",
        "/api/v1/customers",
        "Customers, by page or, with after, by cursor",
        &["segment", "risk_level", "sort_by", "page", "size", "after"],
    ),
    ("get", "/api/v1/customers/{id}", "One customer", &[]),
    (
        "get",
        "/api/v1/customers/{id}/recommendations",
        "Products that the customer may like: those of similar customers, or the region's popular ones",
        &["type"],
    ),
    (
        "get",
        "/api/v1/fraud/alerts",
        "Alerts, newest first",
        &["status", "priority", "alert_type", "page", "size"],
    ),
    ("get", "/api/v1/fraud/dashboard", "Alerts by type and status", &["time_range"]),
    ("get", "/api/v1/realtime/health", "Whether events arrive", &[]),
    ("get", "/api/v1/realtime/metrics", "Events by stream", &["stream_type", "time_window"]),
    ("get", "/api/recommendations/{id}", "A recommendation, in the language of Accept-Language", &[]),
    ("put", "/api/recommendations/{id}", "Changes its score; clears recommendations", &["effectiveness"]),
    ("get", "/api/recommendations/trending", "The twenty most effective", &[]),
    ("get", "/api/predictions/diagnosis/{id}/predict", "What helped the twenty most similar patients", &[]),
    ("post", "/api/predictions/optimize", "Recomputes scores; clears predictions", &["diagnosis"]),
    ("get", "/api/analytics/recommendation/{id}", "How a recommendation does, month by month", &[]),
    ("get", "/api/feedback/recommendation/{id}/summary", "What patients say of it", &[]),
    (
        "post",
        "/api/feedback/submit",
        "Takes a rating; clears analytics",
        &["recommendation", "patient", "rating"],
    ),
    ("get", "/api/users/{id}/profile", "A patient, in the language of Accept-Language", &[]),
    ("post", "/api/auth/logout/{id}", "Clears everything of one user", &[]),
    ("get", "/api/health", "Whether the health system's data are there", &[]),
    ("get", "/api/cdn/status", "The network before the assets", &[]),
    ("get", "/assets/", "The page of assets", &[]),
    ("get", "/assets/{path}", "A file, by its plain name or the one with its hash", &[]),
    ("get", "/api/v1/cache/stats", "Figures of the cache, and what to make of them", &[]),
    ("get", "/api/cache/stats", "Figures of the cache in short", &[]),
    ("get", "/api/v1/cache/health", "How fast the cache's server answers", &[]),
    ("get", "/api/cache/health", "The same for balancers, without a token", &[]),
    ("get", "/api/v1/cache/keys", "Keys by pattern; 501 unless the cache is a Redis", &["pattern", "limit"]),
    ("post", "/api/v1/cache/invalidate/analytics", "Clears analytics:*", &[]),
    ("post", "/api/v1/cache/invalidate/customers", "Clears customers:*", &[]),
    ("post", "/api/v1/cache/invalidate/fraud", "Clears fraud:*", &[]),
    ("post", "/api/v1/cache/invalidate/realtime", "Clears realtime:*", &[]),
    ("post", "/api/v1/cache/invalidate/all", "Clears this cache, and nothing else on its server", &[]),
    ("post", "/api/v1/cache/invalidate/pattern", "Clears what a pattern names", &["pattern"]),
];

/// The whole document.
pub(crate) fn document() -> Bytes {
    DOCUMENT.clone()
}

fn complete() -> Value {
    // The text is this crate's own; a test reads it.
    let mut document: Value = serde_json::from_str(WRITTEN).unwrap_or_default();
    if let Some(paths) = document["paths"].as_object_mut() {
        for line in LINES {
            let entry = paths.entry(line.1).or_insert_with(|| Value::Object(Map::new()));
            entry[line.0] = operation(line);
        }
    }
    document
}

fn operation((method, path, summary, names): &Line) -> Value {
    let mut parameters: Vec<Value> = names
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }))
        .collect();
    if path.contains("{id}") {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "schema": { "type": "integer", "minimum": 1 }
        }));
    }
    let is_admin = path.starts_with("/api/v1/cache") || path.starts_with("/api/cache");
    if path.contains("{path}") {
        parameters
            .push(json!({ "name": "path", "in": "path", "required": true, "schema": { "type": "string" } }));
    }
    let has_variants = !path.starts_with("/assets/") && !path.starts_with("/api/cdn/");
    if *method == "get" && !is_admin && has_variants {
        parameters.push(json!({ "$ref": "#/components/parameters/variant" }));
    }
    let mut operation = json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": { "$ref": "#/components/responses/answer" },
            "400": { "$ref": "#/components/responses/bad" },
        },
    });
    if is_admin && *path != "/api/cache/health" {
        operation["security"] = json!([{ "bearer": [] }]);
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_holds_the_written_paths_and_those_of_the_table() {
        let document = complete();
        let paths = document["paths"].as_object().expect("paths");
        assert!(paths.contains_key("/market/products") && paths.contains_key("/api/v1/customers/{id}"));
    }
}
