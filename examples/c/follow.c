/*
 * Follows a Rootstock chain through one peer and prints what changes, until Ctrl-C.
 *
 *     follow NETWORK ENODE DATA_DIR [EVENTS]
 *
 * NETWORK is mainnet, testnet, regtest or simnet; with EVENTS it ends after so many. Headers are kept in DATA_DIR and
 * the place reached in DATA_DIR.cursor, so the next run tells exactly what was removed and added in between.
 *
 *     cc -Iinclude examples/c/follow.c target/release/librustock.a -lpthread -ldl -lm -o follow
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rustock.h"

static volatile sig_atomic_t interrupted = 0;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

/* Says what went wrong, frees the detail if there is any, and tells whether all was well. */
static bool ok(rustock_status status, const char *what, rustock_error **detail) {
    rustock_text message = {"", 0};
    if (status == RUSTOCK_STATUS_OK) return true;
    if (detail != NULL && *detail != NULL) (void)rustock_error_message(*detail, &message);
    fprintf(stderr, "cannot %s: %s: %.*s\n", what, rustock_status_name(status), (int)message.length, message.data);
    if (detail != NULL) {
        rustock_error_free(*detail);
        *detail = NULL;
    }
    return false;
}

static uint32_t network_number(const char *name) {
    if (strcmp(name, "mainnet") == 0) return RUSTOCK_NETWORK_MAINNET;
    if (strcmp(name, "testnet") == 0) return RUSTOCK_NETWORK_TESTNET;
    if (strcmp(name, "regtest") == 0) return RUSTOCK_NETWORK_REGTEST;
    if (strcmp(name, "simnet") == 0) return RUSTOCK_NETWORK_SIMNET;
    return 0; /* the library refuses it */
}

static rustock_client *open_client(const char *network, const char *enode, const char *data_dir) {
    rustock_config *config = NULL;
    rustock_client *client = NULL;
    rustock_error *error = NULL;
    bool ready =
        ok(rustock_config_new(network_number(network), &config, &error), "choose the network", &error) &&
        ok(rustock_config_set_data_dir(config, data_dir, strlen(data_dir), &error), "set the directory", &error) &&
        ok(rustock_config_add_peer(config, enode, strlen(enode), &error), "add the peer", &error) &&
        ok(rustock_client_open(config, &client, &error), "open the client", &error);
    rustock_config_free(config); /* the client has taken what it needs */
    return ready ? client : NULL;
}

static bool load_cursor(const char *path, rustock_cursor *cursor) {
    FILE *file = fopen(path, "rb");
    size_t read = file ? fread(cursor->bytes, 1, sizeof cursor->bytes, file) : 0;
    if (file) fclose(file);
    return read == sizeof cursor->bytes;
}

/* A wallet stores the cursor in the same transaction as what it did about the event. */
static bool save_cursor(const char *path, const rustock_event *event) {
    rustock_cursor cursor;
    FILE *file;
    if (!ok(rustock_event_cursor(event, &cursor), "read the cursor", NULL)) return false;
    file = fopen(path, "wb");
    if (file == NULL || fwrite(cursor.bytes, 1, sizeof cursor.bytes, file) != sizeof cursor.bytes) {
        perror(path);
        if (file) fclose(file);
        return false;
    }
    return fclose(file) == 0;
}

static void print_block(char sign, const rustock_block *block) {
    size_t i;
    printf("%c %" PRIu64 " ", sign, block->number);
    for (i = 0; i < sizeof block->hash.bytes; i++) printf("%02x", block->hash.bytes[i]);
    printf("\n");
}

/* First what to undo, from the top down, then what to apply, from below up. */
static bool print_event(const rustock_event *event) {
    rustock_block block;
    uint32_t kind, reason;
    size_t i, removed, added;
    if (!ok(rustock_event_kind(event, &kind), "read the event", NULL) ||
        !ok(rustock_event_removed_count(event, &removed), "read the event", NULL) ||
        !ok(rustock_event_added_count(event, &added), "read the event", NULL)) {
        return false;
    }
    if (kind == RUSTOCK_EVENT_REBASED) {
        if (!ok(rustock_event_rebase(event, &reason, &block), "read the event", NULL)) return false;
        printf("rebase (reason %" PRIu32 "): rescan from\n", reason);
        print_block('=', &block);
    } else {
        printf("%s: %zu removed, %zu added\n", kind == RUSTOCK_EVENT_REORG ? "reorg" : "extended", removed, added);
    }
    for (i = 0; i < removed; i++) {
        if (!ok(rustock_event_removed(event, i, &block), "read a block", NULL)) return false;
        print_block('-', &block);
    }
    for (i = 0; i < added; i++) {
        if (!ok(rustock_event_added(event, i, &block), "read a block", NULL)) return false;
        print_block('+', &block);
    }
    fflush(stdout);
    return true;
}

static bool follow(rustock_subscription *subscription, const char *cursor_path, long events_wanted) {
    rustock_error *error = NULL;
    while (!interrupted && events_wanted != 0) {
        rustock_event *event = NULL;
        bool taken;
        rustock_status status = rustock_subscription_next(subscription, 500, &event, &error);
        if (status == RUSTOCK_STATUS_TIMEOUT) continue; /* look for Ctrl-C, then wait again */
        if (status == RUSTOCK_STATUS_CLOSED) break;     /* the client was stopped */
        if (!ok(status, "wait for an event", &error)) return false;
        /* Acknowledged last: whatever fails before, the same event comes again. */
        taken = print_event(event) && save_cursor(cursor_path, event) &&
                ok(rustock_subscription_ack(subscription, event, &error), "acknowledge", &error);
        rustock_event_free(event);
        if (!taken) return false;
        if (events_wanted > 0) events_wanted--;
    }
    return true;
}

int main(int argc, char **argv) {
    char cursor_path[4096];
    rustock_cursor cursor;
    rustock_client *client;
    rustock_subscription *subscription = NULL;
    rustock_error *error = NULL;
    rustock_header best = {.struct_size = sizeof best};
    rustock_stop_report report = {.struct_size = sizeof report};
    bool done, stopped;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: %s NETWORK ENODE DATA_DIR [EVENTS]\n", argv[0]);
        return 2;
    }
    if (rustock_abi_version() >> 16 != RUSTOCK_ABI_MAJOR) {
        fprintf(stderr, "the library has another ABI than this program was compiled for\n");
        return 2;
    }
    if (snprintf(cursor_path, sizeof cursor_path, "%s.cursor", argv[3]) >= (int)sizeof cursor_path) return 2;
    signal(SIGINT, on_interrupt);

    client = open_client(argv[1], argv[2], argv[3]);
    if (client == NULL) return 1;
    done = ok(rustock_client_best_header(client, &best, &error), "read the best header", &error);
    if (done) printf("starting from %" PRIu64 "\n", best.number);
    /* Subscribing first misses nothing that start brings. */
    done = done &&
           ok(rustock_client_subscribe(client, load_cursor(cursor_path, &cursor) ? &cursor : NULL, 0, 1000,
                                       &subscription, &error),
              "subscribe", &error) &&
           ok(rustock_client_start(client, &error), "start", &error) &&
           follow(subscription, cursor_path, argc > 4 ? strtol(argv[4], NULL, 10) : -1);

    stopped = ok(rustock_client_stop(client, 5000, &report, &error), "stop", &error);
    if (stopped) printf("stopped: %" PRIu32 " told, %" PRIu32 " cut\n", report.peers_told, report.peers_cut);
    rustock_subscription_free(subscription);
    rustock_client_free(client);
    return done && stopped ? 0 : 1;
}
