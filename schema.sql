CREATE TABLE account (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    number VARCHAR NOT NULL,
    number_key VARCHAR NOT NULL,
    login VARCHAR NOT NULL,
    login_key VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    language VARCHAR,
    source VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT account_number UNIQUE (desk, number)
);

CREATE INDEX account_login ON account (desk, login_key);

CREATE TABLE account_event (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    account VARCHAR NOT NULL,
    address VARCHAR,
    at VARCHAR(27) NOT NULL,
    actor VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    detail JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX account_event_account ON account_event (desk, account, id);

CREATE TABLE account_source (
    desk VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    next_at VARCHAR(27) NOT NULL,
    read_at VARCHAR(27),
    contacts INTEGER NOT NULL,
    mark VARCHAR NOT NULL,
    PRIMARY KEY (desk, name)
);

CREATE TABLE address_mark (
    desk VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    mark VARCHAR NOT NULL,
    because VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    PRIMARY KEY (desk, address, mark)
);

CREATE TABLE announced (
    desk VARCHAR NOT NULL,
    announcement VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    PRIMARY KEY (desk, announcement, address)
);

CREATE TABLE arrival (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    message_id VARCHAR,
    content_key VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    received_at VARCHAR(27) NOT NULL,
    applied_at VARCHAR(27) NOT NULL,
    envelope_from VARCHAR,
    sender VARCHAR NOT NULL,
    recipient VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    ticket INTEGER,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    trace JSON NOT NULL,
    arrival JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX arrival_content ON arrival (desk, content_key);

CREATE INDEX arrival_digest ON arrival (digest);

CREATE INDEX arrival_message_id ON arrival (message_id);

CREATE INDEX arrival_outcome ON arrival (outcome, id) WHERE outcome IN ('held', 'set_aside', 'quarantined');

CREATE TABLE counter (
    name VARCHAR NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE desk_clock (
    desk VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    next_at VARCHAR(27) NOT NULL,
    PRIMARY KEY (desk, kind)
);

CREATE TABLE event (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    ticket INTEGER NOT NULL,
    at VARCHAR(27) NOT NULL,
    actor VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    detail JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX event_at ON event (desk, at);

CREATE INDEX event_ticket ON event (ticket, id);

CREATE TABLE fetched (
    "key" VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    validity VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    PRIMARY KEY ("key")
);

CREATE INDEX ix_fetched_digest ON fetched (digest);

CREATE INDEX ix_fetched_place ON fetched (place);

CREATE TABLE fetched_folder (
    place VARCHAR NOT NULL,
    validity VARCHAR NOT NULL,
    first_uid BIGINT NOT NULL,
    since VARCHAR(27) NOT NULL,
    PRIMARY KEY (place)
);

CREATE TABLE held (
    id VARCHAR NOT NULL,
    arrival VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    queue VARCHAR NOT NULL,
    sender VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    next_at VARCHAR(27),
    decided_by VARCHAR,
    decided_at VARCHAR(27),
    context JSON NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT held_state CHECK (state IN ('held', 'accepted', 'rejected'))
);

CREATE INDEX held_next ON held (next_at) WHERE state = 'held';

CREATE TABLE inbox (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    received_at VARCHAR(27) NOT NULL,
    state VARCHAR NOT NULL,
    tries INTEGER NOT NULL,
    claimer VARCHAR NOT NULL,
    lease_until VARCHAR(27),
    reason VARCHAR NOT NULL,
    arrival VARCHAR NOT NULL,
    raw BLOB,
    PRIMARY KEY (id),
    CONSTRAINT inbox_state CHECK (state IN ('waiting', 'done', 'given_up'))
);

CREATE INDEX inbox_digest ON inbox (digest);

CREATE INDEX inbox_done ON inbox (id) WHERE state = 'done';

CREATE INDEX inbox_waiting ON inbox (id) WHERE state = 'waiting';

CREATE TABLE incident (
    number INTEGER NOT NULL,
    desk VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    hosts JSON NOT NULL,
    services JSON NOT NULL,
    domains JSON NOT NULL,
    texts JSON NOT NULL,
    opened_at VARCHAR(27) NOT NULL,
    resolved_at VARCHAR(27),
    PRIMARY KEY (number)
);

CREATE TABLE meta (
    name VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE outbox (
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    audience VARCHAR NOT NULL,
    ticket INTEGER,
    to_address VARCHAR NOT NULL,
    to_name VARCHAR NOT NULL,
    from_address VARCHAR NOT NULL,
    from_name VARCHAR NOT NULL,
    reply_to VARCHAR NOT NULL,
    envelope_from VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    message_id VARCHAR NOT NULL,
    in_reply_to VARCHAR,
    "references" VARCHAR NOT NULL,
    headers VARCHAR NOT NULL,
    html VARCHAR NOT NULL,
    is_automatic BOOLEAN NOT NULL,
    attachments VARCHAR NOT NULL,
    created_at VARCHAR(27) NOT NULL,
    not_before VARCHAR(27),
    because VARCHAR NOT NULL,
    arrival VARCHAR,
    message VARCHAR,
    held VARCHAR,
    once VARCHAR,
    state VARCHAR NOT NULL,
    next_at VARCHAR(27) NOT NULL,
    attempts INTEGER NOT NULL,
    claimer VARCHAR NOT NULL,
    lease_until VARCHAR(27),
    sent_at VARCHAR(27),
    reason VARCHAR NOT NULL,
    code INTEGER,
    PRIMARY KEY (id),
    CONSTRAINT outbox_state CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'withdrawn')),
    UNIQUE (once)
);

CREATE INDEX outbox_address ON outbox (to_address, created_at);

CREATE INDEX outbox_arrival ON outbox (arrival);

CREATE INDEX outbox_message_id ON outbox (message_id);

CREATE INDEX outbox_next ON outbox (next_at, id) WHERE state IN ('waiting', 'sending');

CREATE INDEX outbox_ticket ON outbox (ticket);

CREATE TABLE panel_request (
    "key" VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    arrival VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    PRIMARY KEY ("key")
);

CREATE INDEX ix_panel_request_at ON panel_request (at);

CREATE TABLE panel_token (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    created_at VARCHAR(27) NOT NULL,
    revoked_at VARCHAR(27),
    expires_at VARCHAR(27),
    PRIMARY KEY (id),
    UNIQUE (digest)
);

CREATE TABLE probe (
    id VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    began_at VARCHAR(27) NOT NULL,
    handed_in_at VARCHAR(27),
    arrived_at VARCHAR(27),
    decided_at VARCHAR(27),
    answered_at VARCHAR(27),
    returned_at VARCHAR(27),
    ended_at VARCHAR(27),
    comes_back BOOLEAN NOT NULL,
    would_be VARCHAR NOT NULL,
    arrival VARCHAR,
    letter VARCHAR,
    returned_arrival VARCHAR,
    reason VARCHAR NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT probe_state CHECK (state IN ('under_way', 'through', 'failed'))
);

CREATE INDEX probe_began ON probe (began_at);

CREATE TABLE reference (
    message_id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    ticket INTEGER NOT NULL,
    is_named BOOLEAN NOT NULL,
    PRIMARY KEY (message_id, desk)
);

CREATE TABLE sighting (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    ticket INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX sighting_host ON sighting (desk, host, at);

CREATE TABLE staff (
    desk VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    teams JSON NOT NULL,
    role VARCHAR NOT NULL,
    language VARCHAR,
    timezone VARCHAR,
    PRIMARY KEY (desk, address)
);

CREATE TABLE suspicion (
    desk VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    PRIMARY KEY (desk, host)
);

CREATE TABLE ticket (
    number INTEGER NOT NULL,
    desk VARCHAR NOT NULL,
    queue VARCHAR NOT NULL,
    team VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    priority VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    subject_key VARCHAR NOT NULL,
    subjects JSON NOT NULL,
    requestor VARCHAR NOT NULL,
    requestor_name VARCHAR NOT NULL,
    reply_address VARCHAR NOT NULL,
    participants JSON NOT NULL,
    account VARCHAR,
    named_account VARCHAR,
    owner VARCHAR,
    language VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    request VARCHAR NOT NULL,
    rights JSON NOT NULL,
    class TEXT NOT NULL,
    source VARCHAR NOT NULL,
    flags JSON NOT NULL,
    links JSON NOT NULL,
    fields JSON NOT NULL,
    missing JSON NOT NULL,
    created_at VARCHAR(27) NOT NULL,
    changed_at VARCHAR(27) NOT NULL,
    unanswered_since VARCHAR(27),
    staff_spoke_at VARCHAR(27),
    finished_at VARCHAR(27),
    snoozed_until VARCHAR(27),
    merged_into INTEGER,
    is_formal BOOLEAN NOT NULL,
    is_team_by_hand BOOLEAN NOT NULL,
    PRIMARY KEY (number),
    CONSTRAINT ticket_status CHECK (status IN ('new', 'open', 'waiting', 'resolved', 'closed', 'merged')),
    CONSTRAINT ticket_priority CHECK (priority IN ('normal', 'high'))
);

CREATE INDEX ticket_created ON ticket (desk, created_at);

CREATE INDEX ticket_of_account ON ticket (account, number);

CREATE INDEX ticket_place ON ticket (desk, queue, status, number);

CREATE INDEX ticket_requestor ON ticket (requestor);

CREATE INDEX ticket_unanswered ON ticket (desk, unanswered_since) WHERE status IN ('new', 'open') AND unanswered_since IS NOT NULL;

CREATE TABLE contact (
    id VARCHAR NOT NULL,
    account VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    roles JSON NOT NULL,
    purposes JSON NOT NULL,
    until DATE,
    source VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT contact_address UNIQUE (account, address),
    FOREIGN KEY(account) REFERENCES account (id) ON DELETE CASCADE
);

CREATE INDEX contact_by_address ON contact (desk, address);

CREATE INDEX contact_by_domain ON contact (desk, domain);

CREATE INDEX ix_contact_account ON contact (account);

CREATE TABLE deadline (
    id VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    ticket INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    opened_at VARCHAR(27) NOT NULL,
    due_at VARCHAR(27),
    remind_at VARCHAR(27),
    next_at VARCHAR(27),
    calendar VARCHAR,
    remaining_seconds INTEGER,
    promised_seconds INTEGER,
    person VARCHAR,
    closed_at VARCHAR(27),
    PRIMARY KEY (id),
    CONSTRAINT deadline_state CHECK (state IN ('pending', 'paused', 'met', 'breached', 'cancelled')),
    FOREIGN KEY(ticket) REFERENCES ticket (number)
);

CREATE INDEX deadline_ended ON deadline (desk, closed_at, kind, state) WHERE state IN ('met', 'breached') AND kind IN ('first_response', 'next_response', 'resolve', 'promise');

CREATE INDEX deadline_next ON deadline (next_at) WHERE state = 'pending';

CREATE INDEX deadline_ticket ON deadline (ticket);

CREATE TABLE message (
    id VARCHAR NOT NULL,
    ticket INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    author_name VARCHAR NOT NULL,
    at VARCHAR(27) NOT NULL,
    subject VARCHAR NOT NULL,
    visible_text VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    html VARCHAR NOT NULL,
    attachments JSON NOT NULL,
    message_id VARCHAR,
    refs JSON NOT NULL,
    digest VARCHAR,
    arrival VARCHAR,
    state VARCHAR NOT NULL,
    undo JSON,
    PRIMARY KEY (id),
    CONSTRAINT message_kind CHECK (kind IN ('customer', 'staff', 'note', 'auto', 'recorded')),
    CONSTRAINT message_state CHECK (state IN ('done', 'holding', 'awaiting_send', 'taken_back')),
    FOREIGN KEY(ticket) REFERENCES ticket (number)
);

CREATE INDEX message_author ON message (author, at);

CREATE INDEX message_staff ON message (at, ticket, state) WHERE kind = 'staff';

CREATE INDEX message_ticket ON message (ticket, id);

CREATE TABLE search_entry (
    id INTEGER PRIMARY KEY,
    message VARCHAR NOT NULL,
    UNIQUE (message)
);

CREATE VIRTUAL TABLE search_text USING fts5 (subject, people, words, content='', tokenize='unicode61 remove_diacritics 2');

CREATE VIEW search_source AS SELECT id AS message, replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(substr(message.subject, 1, 200000), 'ä', 'ae'), 'Ä', 'ae'), 'ö', 'oe'), 'Ö', 'oe'), 'ü', 'ue'), 'Ü', 'ue'), 'ß', 'ss'), 'ł', 'l'), 'Ł', 'l'), 'ё', 'е'), 'Ё', 'е') AS subject, replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(substr(message.author || ' ' || message.author_name, 1, 200000), 'ä', 'ae'), 'Ä', 'ae'), 'ö', 'oe'), 'Ö', 'oe'), 'ü', 'ue'), 'Ü', 'ue'), 'ß', 'ss'), 'ł', 'l'), 'Ł', 'l'), 'ё', 'е'), 'Ё', 'е') AS people, replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(substr(message.visible_text, 1, 200000), 'ä', 'ae'), 'Ä', 'ae'), 'ö', 'oe'), 'Ö', 'oe'), 'ü', 'ue'), 'Ü', 'ue'), 'ß', 'ss'), 'ł', 'l'), 'Ł', 'l'), 'ё', 'е'), 'Ё', 'е') AS words FROM message;

CREATE TRIGGER search_insert AFTER INSERT ON message BEGIN
    INSERT INTO search_entry (message) VALUES (new.id);
    INSERT INTO search_text (rowid, subject, people, words) SELECT search_entry.id, subject, people, words FROM search_source JOIN search_entry USING (message) WHERE message = new.id;
END;

CREATE TRIGGER search_before BEFORE UPDATE OF subject, author, author_name, visible_text ON message WHEN old.subject IS NOT new.subject OR old.author IS NOT new.author OR old.author_name IS NOT new.author_name OR old.visible_text IS NOT new.visible_text BEGIN
    INSERT INTO search_text (search_text, rowid, subject, people, words) SELECT 'delete', search_entry.id, subject, people, words FROM search_source JOIN search_entry USING (message) WHERE message = old.id;
END;

CREATE TRIGGER search_after AFTER UPDATE OF subject, author, author_name, visible_text ON message WHEN old.subject IS NOT new.subject OR old.author IS NOT new.author OR old.author_name IS NOT new.author_name OR old.visible_text IS NOT new.visible_text BEGIN
    INSERT INTO search_text (rowid, subject, people, words) SELECT search_entry.id, subject, people, words FROM search_source JOIN search_entry USING (message) WHERE message = new.id;
END;

CREATE TRIGGER search_delete BEFORE DELETE ON message BEGIN
    INSERT INTO search_text (search_text, rowid, subject, people, words) SELECT 'delete', search_entry.id, subject, people, words FROM search_source JOIN search_entry USING (message) WHERE message = old.id;
    DELETE FROM search_entry WHERE message = old.id;
END;

CREATE TABLE tally (
    what VARCHAR NOT NULL,
    desk VARCHAR NOT NULL,
    one VARCHAR NOT NULL,
    two VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (what, desk, one, two)
) WITHOUT ROWID;

CREATE TRIGGER tally_mails_insert AFTER INSERT ON arrival WHEN new.state <> 'probe' BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'mails', new.desk, new.channel, new.outcome, 1 WHERE new.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_mails_delete AFTER DELETE ON arrival WHEN old.state <> 'probe' BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'mails', old.desk, old.channel, old.outcome, -1 WHERE old.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
END;

CREATE TRIGGER tally_mails_update AFTER UPDATE OF desk, channel, outcome, state ON arrival WHEN old.desk IS NOT new.desk OR old.channel IS NOT new.channel OR old.outcome IS NOT new.outcome OR old.state IS NOT new.state BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'mails', old.desk, old.channel, old.outcome, -1 WHERE old.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
    INSERT INTO tally (what, desk, one, two, number) SELECT 'mails', new.desk, new.channel, new.outcome, 1 WHERE new.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_set_aside_insert AFTER INSERT ON arrival WHEN new.outcome = 'set_aside' AND new.state <> 'probe' BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'set_aside', new.desk, new.reason, '', 1 WHERE new.outcome = 'set_aside' AND new.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_set_aside_delete AFTER DELETE ON arrival WHEN old.outcome = 'set_aside' AND old.state <> 'probe' BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'set_aside', old.desk, old.reason, '', -1 WHERE old.outcome = 'set_aside' AND old.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
END;

CREATE TRIGGER tally_set_aside_update AFTER UPDATE OF desk, reason, outcome, state ON arrival WHEN old.desk IS NOT new.desk OR old.reason IS NOT new.reason OR old.outcome IS NOT new.outcome OR old.state IS NOT new.state BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'set_aside', old.desk, old.reason, '', -1 WHERE old.outcome = 'set_aside' AND old.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
    INSERT INTO tally (what, desk, one, two, number) SELECT 'set_aside', new.desk, new.reason, '', 1 WHERE new.outcome = 'set_aside' AND new.state <> 'probe' ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_letters_insert AFTER INSERT ON outbox BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'letters', new.desk, new.kind, new.state, 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_letters_delete AFTER DELETE ON outbox BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'letters', old.desk, old.kind, old.state, -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
END;

CREATE TRIGGER tally_letters_update AFTER UPDATE OF desk, kind, state ON outbox WHEN old.desk IS NOT new.desk OR old.kind IS NOT new.kind OR old.state IS NOT new.state BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'letters', old.desk, old.kind, old.state, -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
    INSERT INTO tally (what, desk, one, two, number) SELECT 'letters', new.desk, new.kind, new.state, 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_tickets_insert AFTER INSERT ON ticket BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'tickets', new.desk, new.queue, new.status, 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_tickets_delete AFTER DELETE ON ticket BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'tickets', old.desk, old.queue, old.status, -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
END;

CREATE TRIGGER tally_tickets_update AFTER UPDATE OF desk, queue, status ON ticket WHEN old.desk IS NOT new.desk OR old.queue IS NOT new.queue OR old.status IS NOT new.status BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'tickets', old.desk, old.queue, old.status, -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
    INSERT INTO tally (what, desk, one, two, number) SELECT 'tickets', new.desk, new.queue, new.status, 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_deadlines_insert AFTER INSERT ON deadline BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'deadlines', new.desk, new.kind, new.state, 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_deadlines_delete AFTER DELETE ON deadline BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'deadlines', old.desk, old.kind, old.state, -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
END;

CREATE TRIGGER tally_deadlines_update AFTER UPDATE OF desk, kind, state ON deadline WHEN old.desk IS NOT new.desk OR old.kind IS NOT new.kind OR old.state IS NOT new.state BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'deadlines', old.desk, old.kind, old.state, -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
    INSERT INTO tally (what, desk, one, two, number) SELECT 'deadlines', new.desk, new.kind, new.state, 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_held_insert AFTER INSERT ON held BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'held', new.desk, new.state, '', 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;

CREATE TRIGGER tally_held_delete AFTER DELETE ON held BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'held', old.desk, old.state, '', -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
END;

CREATE TRIGGER tally_held_update AFTER UPDATE OF desk, state ON held WHEN old.desk IS NOT new.desk OR old.state IS NOT new.state BEGIN
    INSERT INTO tally (what, desk, one, two, number) SELECT 'held', old.desk, old.state, '', -1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (-1);
    INSERT INTO tally (what, desk, one, two, number) SELECT 'held', new.desk, new.state, '', 1 WHERE true ON CONFLICT (what, desk, one, two) DO UPDATE SET number = number + (1);
END;
