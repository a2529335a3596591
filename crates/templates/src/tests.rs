//! Saving and deleting templates over a temporary SQLite database.

use std::sync::Arc;

use platform::access::Caller;
use platform::error::Error;
use platform::ids::ServiceTypeId;
use platform::services::Services;
use serde_json::json;
use service_types::ServiceBehaviour;
use service_types::rules::{CreateServiceType, create_service_type};

use super::rules::{SaveTemplate, Saved, delete_template, save_template};
use super::{TemplateFormat, templates_of};

struct Fixture {
    services: Services,
    admin: Arc<Caller>,
    pager: ServiceTypeId,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (services, _) = test_support::services(folder.path(), folder.path().join("switchboard.db"), 1).await;
        let admin = Caller::system("test");
        let pager = CreateServiceType {
            slug: "pager".into(),
            name: "Pager".into(),
            description: String::new(),
            instructions: String::new(),
            parameter_schema: json!({ "type": "object", "additionalProperties": false }),
            behaviour: ServiceBehaviour::Endpoint,
            privileged: false,
            group_capable: false,
            quota: None,
            member_limit: None,
            settings: None,
        };
        let pager = create_service_type(&services, &admin, pager, Vec::new()).await.unwrap().id;
        Self { services, admin, pager, _folder: folder }
    }

    async fn save(&self, source: &str) -> Result<Saved, Error> {
        let input = SaveTemplate {
            service_type: "pager".into(),
            name: "list.txt".into(),
            content_type: "text/plain".into(),
            format: TemplateFormat::Text,
            source: source.into(),
        };
        save_template(&self.services, &self.admin, input).await
    }
}

#[tokio::test]
async fn a_template_is_replaced_under_its_name() {
    let fixture = Fixture::build().await;
    let first = fixture.save("{{ extensions[0].number }}").await.unwrap();
    assert_eq!(first.sample.as_deref(), Some("2342"));
    let again = fixture.save("x").await.unwrap();
    assert_eq!(again.id, first.id);
    let Err(Error::User(problems)) = fixture.save("{{ nothing }}").await else { panic!("it was accepted") };
    assert_eq!(problems[0].path, ["source"]);
    let all = templates_of(&mut fixture.services.store.read().await.unwrap(), fixture.pager).await.unwrap();
    assert_eq!(all.iter().map(|template| template.source.as_str()).collect::<Vec<_>>(), ["x"]);
    delete_template(&fixture.services, &fixture.admin, first.id.global()).await.unwrap();
}
