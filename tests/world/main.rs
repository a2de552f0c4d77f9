//! World tests: whole calls on virtual time, one behaviour a file, as a person at a phone would
//! notice it.
//!
//! The gateway, the media engine, the card's link and the card's firmware are the real ones; see
//! `tipring_sim`. A failing test prints its seed, what happened last, and the ladder of every call.

mod a_phone_calls_a_sip_peer;
mod a_sip_peer_calls_a_phone;
mod anything_may_happen;
mod audio_passes_whole;
mod bodies_of_several_parts;
mod caller_id_is_shown;
mod calls_over_connections;
mod calls_that_come_to_nothing;
mod cancel_and_answer_cross;
mod common;
mod damage_is_endured;
mod dead_flows_are_found;
mod dialling;
mod digits_in_a_call;
mod early_dialogs;
mod early_media;
mod flows_alg;
mod flows_answers;
mod flows_common;
mod flows_early_media;
mod flows_events;
mod flows_proxies;
mod flows_registration;
mod flows_rfc3665;
mod flows_traces;
mod hold_and_resume;
mod hold_by_update;
mod left_off_the_hook;
mod lost_messages;
mod other_countries;
mod packets_get_lost;
mod peers_behind_routers;
mod phones_call_each_other;
mod ports_are_taken;
mod redirections_are_followed;
mod redirections_cost_nobody_else;
mod reliable_responses;
mod secure_calls;
mod servers_fail_over;
mod session_timers;
mod sip_to_sip_carries_everything;
mod sip_users_call_each_other;
mod strangers_cannot_harm;
mod texts_reach_users;
mod the_card_fails;
mod the_card_is_unplugged;
mod thirty_calls_at_once;
mod transfers;
mod trunks_are_recognised;
mod trunks_ask_for_rest;
mod trunks_have_two_flows;
mod trunks_register;
mod what_peers_say_besides;
mod who_calls;
