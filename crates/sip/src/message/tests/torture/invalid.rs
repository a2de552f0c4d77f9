//! RFC 4475 §3.1.2: messages that are wrong, and what is owed for each.

use super::messages::invalid::*;
use super::*;

#[test]
fn badinv01_is_400_for_its_stray_separators() {
    refused(BADINV01, 400, Fault::Malformed("Via", Malformed::Parameter));
    let contact_alone = BADINV01.replace(";;,;,,", ";branch=z9hG4bK1");
    refused(&contact_alone, 400, Fault::Malformed("Contact", Malformed::Parameter));
}

#[test]
fn clerr_is_400_for_a_content_length_beyond_the_datagram() {
    refused(CLERR, 400, Fault::BodyTruncated);
}

#[test]
fn ncl_is_400_for_a_content_length_that_is_no_number() {
    refused(NCL, 400, Fault::ContentLength);
    refused(&NCL.replace("-999", "five"), 400, Fault::ContentLength);
}

#[test]
fn scalar02_is_400_for_its_cseq_and_the_other_numbers_are_forgiven() {
    refused(SCALAR02, 400, Fault::Malformed("CSeq", Malformed::Number));
    let headers = request(&SCALAR02.replace("36893488147419103232", "1")).headers;
    assert_eq!(headers.max_forwards(), Some(255));
    assert_eq!(headers.expires(), Some(3600));
    assert_eq!(headers.contact().expect("Contact").expires(), Some(3600));
}

#[test]
fn scalarlg_is_dropped_because_nobody_answers_a_response() {
    assert_eq!(dropped(&wire(SCALARLG)), Fault::Malformed("CSeq", Malformed::Number));
    let response = response(&SCALARLG.replace("9292394834772304023312", "1"));
    assert_eq!(response.headers.retry_after(), Some(RetryAfter::new(u32::MAX)));
    assert_eq!(
        response.headers.warnings(),
        Err(HeaderError::Malformed(HeaderName::Warning, Malformed::Number))
    );
}

#[test]
fn quotbal_is_400_for_its_display_name() {
    refused(QUOTBAL, 400, Fault::Malformed("To", Malformed::QuotedString));
}

#[test]
fn ltgtruri_is_400_for_the_brackets_around_its_uri() {
    refused(LTGTRURI, 400, Fault::RequestUri);
}

#[test]
fn lwsruri_is_400_for_the_space_in_its_uri() {
    refused(LWSRURI, 400, Fault::RequestUri);
}

#[test]
fn lwsstart_is_400_for_the_spaces_in_its_request_line() {
    refused(LWSSTART, 400, Fault::RequestUri);
}

#[test]
fn trws_is_400_for_the_spaces_after_its_request_line() {
    refused(TRWS, 400, Fault::RequestUri);
}

#[test]
fn escruri_is_400_for_the_headers_in_its_uri() {
    refused(ESCRURI, 400, Fault::RequestUri);
}

#[test]
fn baddate_is_taken_because_nobody_needs_the_date() {
    let date = request(BADDATE).headers.date();
    assert_eq!(date, Err(HeaderError::Malformed(HeaderName::Date, Malformed::Date)));
}

#[test]
fn regbadct_is_400_for_a_question_mark_outside_angle_brackets() {
    refused(REGBADCT, 400, Fault::Malformed("Contact", Malformed::Uri));
}

#[test]
fn badaspec_is_400_for_the_spaces_inside_its_angle_brackets() {
    refused(BADASPEC, 400, Fault::Malformed("To", Malformed::Uri));
}

#[test]
fn baddn_is_400_for_the_commas_in_its_display_names() {
    // The archive's octets lack the empty line, which the text of the RFC has not left out.
    refused(BADDN, 400, Fault::NoEmptyLine);
    let whole = format!("{BADDN}\n");
    refused(&whole, 400, Fault::Malformed("From", Malformed::DisplayName));
}

#[test]
fn badvers_is_505() {
    refused(BADVERS, 505, Fault::Version);
}

#[test]
fn mismatch01_is_400_for_its_cseq_of_another_method() {
    refused(MISMATCH01, 400, Fault::CSeqMethod);
}

#[test]
fn mismatch02_is_501_for_its_method_before_anything_else() {
    refused(MISMATCH02, 501, Fault::UnknownMethod);
}

#[test]
fn bigcode_is_dropped_because_nobody_answers_a_response() {
    assert_eq!(dropped(&wire(BIGCODE)), Fault::StatusCode);
}
