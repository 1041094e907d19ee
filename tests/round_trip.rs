//! What can be asked of Graph is written and read back as what it was.
#![allow(clippy::panic)] // helpers of a test

use callflow_graph::wire::asked::{Ask, Asked, read_request};
use callflow_graph::wire::order::Order;
use callflow_graph::wire::request::HttpRequest;
use callflow_tests::asks;
use proptest::prelude::*;

fn read(http: &HttpRequest) -> Asked {
    let body = http.body.as_deref().unwrap_or_default();
    let asked = read_request(http.method, &http.path, body.as_bytes());
    asked.unwrap_or_else(|fault| panic!("{fault}: {} {} {body}", http.method, http.path))
}

fn callback_of(asked: &Asked) -> Option<&str> {
    asked.callback.as_ref().map(|address| address.uri().reveal())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_order_is_written_and_read_back(order in asks::orders()) {
        let http = asks::written(&order).expect("every order but one is a request");
        let asked = read(&http);
        prop_assert_eq!(asked.call.as_deref(), Some(asks::CALL));
        prop_assert_eq!(&asked.ignored, &Vec::<String>::new());
        let names_callback = matches!(order, Order::Answer(_) | Order::Redirect(_));
        prop_assert_eq!(callback_of(&asked), names_callback.then_some(asks::CALLBACK));
        prop_assert_eq!(asked.what, Ask::Order(order));
    }

    #[test]
    fn a_placement_is_written_and_read_back(placement in asks::placements()) {
        let http = asks::placed(&placement).expect("a placement is a request");
        let asked = read(&http);
        prop_assert_eq!((&asked.call, &asked.ignored), (&None, &Vec::new()));
        prop_assert_eq!(callback_of(&asked), Some(asks::CALLBACK));
        let tenant_id = Some(asks::TENANT.to_owned());
        prop_assert_eq!(asked.what, Ask::Create { placement: Box::new(placement), tenant_id });
    }
}
