use std::collections::{BTreeMap, HashMap};

use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

/// The objects that calls made, by API and account.
#[derive(Debug, Default)]
pub(crate) struct Objects(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    /// (API, account) → collection → id → object.
    scopes: HashMap<(String, String), BTreeMap<String, Collection>>,
}

type Collection = BTreeMap<String, Map<String, Value>>;

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) api: String,
    pub(crate) account: String,
    /// The path of the collection.
    pub(crate) collection: String,
    /// The object in it, when the path names one.
    pub(crate) id: Option<String>,
}

impl Objects {
    const MOST: u64 = 100_000;

    /// Carries a call out; `body` are the fields it gives.
    pub(crate) fn act(
        &self,
        method: &Method,
        place: &Place,
        body: Map<String, Value>,
    ) -> (StatusCode, Value) {
        let mut kept = self.0.lock();
        let kept = &mut *kept;
        let scope = (place.api.clone(), place.account.clone());
        let collections = kept.scopes.entry(scope).or_default();
        let collection = collections.entry(place.collection.clone()).or_default();
        let Some(id) = &place.id else {
            if *method == Method::POST && kept.last < Self::MOST {
                kept.last += 1;
                return make(collection, &format!("obj{:06}", kept.last), body);
            }
            let objects: Vec<_> = collection.values().cloned().collect();
            return (StatusCode::OK, json!({ "objects": objects }));
        };
        match *method {
            Method::PUT if !collection.contains_key(id) => make(collection, id, body),
            Method::DELETE => match collection.remove(id) {
                Some(object) => (StatusCode::OK, json!({ "removed": object })),
                None => missing(id),
            },
            Method::GET | Method::HEAD | Method::OPTIONS => match collection.get(id) {
                Some(object) => (StatusCode::OK, json!({ "object": object })),
                None => missing(id),
            },
            _ => match collection.get_mut(id) {
                Some(object) => {
                    object.extend(body);
                    (StatusCode::OK, json!({ "object": object }))
                }
                None => missing(id),
            },
        }
    }

    /// Makes the object that `place` names, unless it is there.
    pub(crate) fn ensure(&self, place: &Place) {
        let Some(id) = &place.id else { return };
        let mut kept = self.0.lock();
        let scope = (place.api.clone(), place.account.clone());
        let collections = kept.scopes.entry(scope).or_default();
        let collection = collections.entry(place.collection.clone()).or_default();
        if !collection.contains_key(id) {
            make(collection, id, Map::new());
        }
    }
}

fn make(
    collection: &mut Collection,
    id: &str,
    mut body: Map<String, Value>,
) -> (StatusCode, Value) {
    body.insert("id".to_owned(), id.into());
    collection.insert(id.to_owned(), body.clone());
    (StatusCode::CREATED, json!({ "id": id, "object": body }))
}

fn missing(id: &str) -> (StatusCode, Value) {
    let detail = format!("there is no object `{id}` of this account");
    (
        StatusCode::NOT_FOUND,
        json!({ "code": "object_unknown", "detail": detail }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(account: &str, id: Option<&str>) -> Place {
        Place {
            api: "a".to_owned(),
            account: account.to_owned(),
            collection: "things".to_owned(),
            id: id.map(str::to_owned),
        }
    }

    #[test]
    fn objects_live_as_the_methods_say_and_belong_to_one_account() {
        let objects = Objects::default();
        let fields = |name: &str| Map::from_iter([("name".to_owned(), name.into())]);
        let act = |method: Method, account: &str, id: Option<&str>, name: &str| {
            let (status, value) = objects.act(&method, &place(account, id), fields(name));
            (status.as_u16(), value)
        };
        let (status, made) = act(Method::POST, "one", None, "x");
        assert_eq!((status, &made["id"]), (201, &json!("obj000001")));
        let id = Some("obj000001");
        assert_eq!(act(Method::GET, "one", id, "").1["object"]["name"], "x");
        assert_eq!(act(Method::GET, "two", id, "").0, 404);
        assert_eq!(
            act(Method::GET, "one", None, "").1["objects"][0]["id"],
            "obj000001"
        );
        assert_eq!(act(Method::PATCH, "one", id, "y").1["object"]["name"], "y");
        assert_eq!(act(Method::DELETE, "one", id, "").0, 200);
        assert_eq!(act(Method::DELETE, "one", id, "").0, 404);
        assert_eq!(act(Method::POST, "one", id, "").0, 404);
        assert_eq!(act(Method::PUT, "one", Some("mine"), "z").0, 201);
        objects.ensure(&place("two", Some("AC1")));
        assert_eq!(act(Method::GET, "two", Some("AC1"), "").0, 200);
    }
}
