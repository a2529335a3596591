//! Queries of templates.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;

use super::model::Template;
use platform::access::Permit;
use platform::ids::{ServiceTypeId, TemplateId};
use platform::query;
use platform::store::schema::templates;
use platform::store::{Conn, sought};

/// The templates of a service type, by name.
pub async fn templates_of(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<Template>> {
    query!(conn, |c| templates::table
        .filter(templates::service_type_id.eq(service_type))
        .order(templates::name)
        .select(Template::as_select())
        .load(c)
        .await)
}

/// A template of a service type by its name.
pub async fn template_by_name(
    conn: &mut Conn,
    service_type: ServiceTypeId,
    name: &str,
) -> QueryResult<Option<Template>> {
    query!(conn, |c| templates::table
        .filter(templates::service_type_id.eq(service_type))
        .filter(templates::name.eq(sought(name)))
        .select(Template::as_select())
        .first(c)
        .await
        .optional())
}

/// A template by its id.
pub async fn template_by_id(conn: &mut Conn, id: TemplateId) -> QueryResult<Option<Template>> {
    query!(conn, |c| templates::table.find(id).select(Template::as_select()).first(c).await.optional())
}

pub(super) async fn insert(conn: &mut Conn, _: &Permit, template: &Template) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(templates::table).values(template).execute(c).await)?;
    Ok(())
}

pub(super) async fn save(conn: &mut Conn, _: &Permit, template: &Template) -> QueryResult<()> {
    query!(conn, |c| diesel::update(templates::table.find(template.id))
        .set((
            templates::content_type.eq(&template.content_type),
            templates::format.eq(template.format),
            templates::source.eq(&template.source),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, _: &Permit, id: TemplateId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(templates::table.find(id)).execute(c).await)?;
    Ok(())
}
