//! The people whom bots call, and who call them.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use http::StatusCode;

use super::super::Person;
use super::super::seed::PersonSeed;
use super::super::service::Served;
use super::error::Refusal;

/// The people, by their names
#[utoipa::path(get, path = "/sim/v1/people", responses((status = 200, body = [PersonSeed])))]
pub(super) async fn list(State(world): State<Served>) -> Json<Vec<PersonSeed>> {
    let mut people: Vec<PersonSeed> = world.everybody().iter().map(PersonSeed::from).collect();
    people.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Json(people)
}

/// Adds a person, or changes what he does from his next call on
#[utoipa::path(put, path = "/sim/v1/people/{id}", request_body = PersonSeed,
    responses((status = 200, body = PersonSeed), (status = 400, body = Refusal)))]
pub(super) async fn put(
    State(world): State<Served>,
    Path(id): Path<String>,
    person: Result<Json<PersonSeed>, JsonRejection>,
) -> Result<Json<PersonSeed>, Refusal> {
    let Json(mut person) = person?;
    if person.id.as_ref().is_some_and(|said| *said != id) {
        return Err(Refusal::bad(format!("the path says {id}, and the body {}", person.id())));
    }
    person.id = Some(id);
    world.add_person(Person::from(person.clone()));
    Ok(Json(person))
}

/// Removes a person; who is in a call stays in it
#[utoipa::path(delete, path = "/sim/v1/people/{id}", responses((status = 204), (status = 404, body = Refusal)))]
pub(super) async fn delete(
    State(world): State<Served>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    if world.remove_person(&id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found(format!("there is no person {id}")))
    }
}
