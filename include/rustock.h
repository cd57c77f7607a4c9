/*
 * Rustock, a Rootstock (RSK) light client to embed. MIT or Apache-2.0.
 *
 * Made from rustock-ffi/src by `./run header`; never edited by hand. docs/c-api.md is the guide, examples/c/follow.c
 * a whole program.
 *
 * Status codes. Functions return one. 0 is success, below 100 nothing is wrong, from 100 on something is.
 * Outputs are written on RUSTOCK_STATUS_OK and left alone otherwise.
 *
 * Errors. Functions with a last argument `error` put detail there when they return 100 or more, and leave it alone
 * otherwise. It may be NULL. What was put there is yours: free it with rustock_error_free.
 *
 * Ownership. What a function hands out through a pointer to a pointer is yours until you free it with the function of
 * its type. Text and bytes looked at through a rustock_text or rustock_bytes belong to the handle they came from and
 * live as long as it. Text and structs you hand in are copied. Text in is UTF-8 with its length, no zero byte needed.
 *
 * Threads. Every function says who may call it. "Any" means any thread, at any time, also while other threads are in
 * other calls with the same handle. Freeing a handle is always the last call with it.
 *
 * Arguments. A NULL where a value is needed is answered with the status code that names the argument. Pointers that are
 * neither NULL nor valid, and handles used after they were freed, are beyond what can be checked.
 */

#ifndef RUSTOCK_H
#define RUSTOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The public main network.
 */
#define RUSTOCK_NETWORK_MAINNET 1

/**
 * The public test network.
 */
#define RUSTOCK_NETWORK_TESTNET 2

/**
 * rskj's local network.
 */
#define RUSTOCK_NETWORK_REGTEST 3

/**
 * The offline network of generated chains, for app developers and tests.
 */
#define RUSTOCK_NETWORK_SIMNET 4

/**
 * Not started yet, or stopped.
 */
#define RUSTOCK_RUN_STOPPED 0

/**
 * Started; no peer so far.
 */
#define RUSTOCK_RUN_STARTING 1

/**
 * Fetching and verifying headers.
 */
#define RUSTOCK_RUN_SYNCING 2

/**
 * Level with at least one peer, waiting for new blocks.
 */
#define RUSTOCK_RUN_FOLLOWING 3

/**
 * Nothing can be done right now; `wait_reason` says why.
 */
#define RUSTOCK_RUN_WAITING 4

/**
 * It cannot go on; `failure` says why. Reads still answer as far as the store does.
 */
#define RUSTOCK_RUN_FAILED 5

/**
 * It is not waiting.
 */
#define RUSTOCK_WAIT_NONE 0

/**
 * No peer is connected.
 */
#define RUSTOCK_WAIT_NO_PEERS 1

/**
 * A peer is connected; the next attempt with it is due later.
 */
#define RUSTOCK_WAIT_RETRY 2

/**
 * A state, kind or reason that this release has no number for.
 */
#define RUSTOCK_UNKNOWN 255

/**
 * Blocks were added on top.
 */
#define RUSTOCK_EVENT_EXTENDED 1

/**
 * Blocks were removed and perhaps others added.
 */
#define RUSTOCK_EVENT_REORG 2

/**
 * The cursor's block is unknown here: rescan from the new one.
 */
#define RUSTOCK_EVENT_REBASED 3

/**
 * The cursor's block lies below the chain's base.
 */
#define RUSTOCK_REBASE_BELOW_BASE 1

/**
 * The cursor's block lies above the head and was never part of this chain.
 */
#define RUSTOCK_REBASE_ABOVE_HEAD 2

/**
 * The cursor's block is of a branch abandoned too long ago, or never seen here.
 */
#define RUSTOCK_REBASE_UNKNOWN_BLOCK 3

/**
 * Major version of the ABI this header describes. Another major is another ABI; while it is 0, minors may be too.
 */
#define RUSTOCK_ABI_MAJOR 0

/**
 * Minor version of the ABI this header describes. Minors only add.
 */
#define RUSTOCK_ABI_MINOR 1

/**
 * Bytes handed out. Free it with rustock_buffer_free.
 */
typedef struct rustock_buffer rustock_buffer;

/**
 * A light client of one network. Free it with rustock_client_free.
 */
typedef struct rustock_client rustock_client;

/**
 * Choices for a client. Only the place of the store has no default. Free it with rustock_config_free.
 */
typedef struct rustock_config rustock_config;

/**
 * What went wrong, in detail. Free it with rustock_error_free.
 */
typedef struct rustock_error rustock_error;

/**
 * A change of the chain. Free it with rustock_event_free.
 */
typedef struct rustock_event rustock_event;

/**
 * A subscription to changes of the chain. Free it with rustock_subscription_free.
 */
typedef struct rustock_subscription rustock_subscription;

/**
 * What a function says about how it went. 0 is success; below 100 nothing is wrong; from 100 on something is.
 */
typedef int32_t rustock_status;

/**
 * A view of UTF-8 text that belongs to the handle it came from. No zero byte at its end.
 */
typedef struct rustock_text {
    /**
     * The first byte; never NULL.
     */
    const char *data;
    /**
     * Bytes.
     */
    size_t length;
} rustock_text;

/**
 * A 256-bit hash, in the order it has on the wire and in hex.
 */
typedef struct rustock_hash {
    /**
     * The bytes.
     */
    uint8_t bytes[32];
} rustock_hash;

/**
 * A 256-bit unsigned integer.
 */
typedef struct rustock_uint256 {
    /**
     * Most significant byte first.
     */
    uint8_t big_endian[32];
} rustock_uint256;

/**
 * A verified header.
 */
typedef struct rustock_header {
    /**
     * Set it to sizeof(rustock_header) before the call.
     */
    size_t struct_size;
    /**
     * Height.
     */
    uint64_t number;
    /**
     * Seconds since 1970, as the miner says.
     */
    uint64_t timestamp;
    /**
     * Block hash.
     */
    struct rustock_hash hash;
    /**
     * Hash of the block below.
     */
    struct rustock_hash parent_hash;
    /**
     * Root of the state after the block. Not checked: that takes bodies.
     */
    struct rustock_hash state_root;
    /**
     * Root of the transactions. Not checked: that takes bodies.
     */
    struct rustock_hash transactions_root;
    /**
     * Root of the receipts. Not checked: that takes bodies.
     */
    struct rustock_hash receipts_root;
    /**
     * Difficulty, uncles not counted.
     */
    struct rustock_uint256 difficulty;
    /**
     * Gas used.
     */
    uint64_t gas_used;
    /**
     * Number of uncles.
     */
    uint32_t uncle_count;
} rustock_header;

/**
 * What a client is doing and how far it has come. What peers claim and what was verified are different fields.
 */
typedef struct rustock_client_status_view {
    /**
     * Set it to sizeof(rustock_client_status_view) before the call.
     */
    size_t struct_size;
    /**
     * One of the RUSTOCK_RUN_ values.
     */
    uint32_t run_state;
    /**
     * One of the RUSTOCK_WAIT_ values.
     */
    uint32_t wait_reason;
    /**
     * The status code of what failed when `run_state` is RUSTOCK_RUN_FAILED, else RUSTOCK_STATUS_OK.
     */
    rustock_status failure;
    /**
     * Connected peers.
     */
    uint32_t peers;
    /**
     * Height of the best verified block that is durable.
     */
    uint64_t head_number;
    /**
     * Seconds since 1970 in its header.
     */
    uint64_t head_timestamp;
    /**
     * Its hash.
     */
    struct rustock_hash head_hash;
    /**
     * Hash of the base: the genesis or checkpoint that is trusted.
     */
    struct rustock_hash base_hash;
    /**
     * Height of the base.
     */
    uint64_t base_number;
    /**
     * The highest best block a connected peer claims, if `has_peers_claim`. Not verified.
     */
    uint64_t peers_claim;
    /**
     * Headers verified since start, abandoned ones included.
     */
    uint64_t headers_verified;
    /**
     * Headers verified per second over the last few seconds.
     */
    uint64_t headers_per_second;
    /**
     * Bytes received from peers since start.
     */
    uint64_t bytes_received;
    /**
     * Bytes sent to peers since start.
     */
    uint64_t bytes_sent;
    /**
     * Seconds to the height peers claim at this speed, if `has_seconds_left`. A guess upon a claim.
     */
    uint64_t seconds_left;
    /**
     * The first height from which on all fork-detection data was checked, if `has_fork_detection_from`.
     */
    uint64_t fork_detection_from;
    /**
     * Whether `peers_claim` is known.
     */
    bool has_peers_claim;
    /**
     * Whether `seconds_left` is known.
     */
    bool has_seconds_left;
    /**
     * Whether `fork_detection_from` is known.
     */
    bool has_fork_detection_from;
} rustock_client_status_view;

/**
 * A place in the history of one network's chain. Store the bytes with your own data; a later subscription after it
 * yields exactly the blocks removed and added since.
 */
typedef struct rustock_cursor {
    /**
     * Network (1 byte), height (8, most significant first), block hash (32).
     */
    uint8_t bytes[41];
} rustock_cursor;

/**
 * How a stop went.
 */
typedef struct rustock_stop_report {
    /**
     * Set it to sizeof(rustock_stop_report) before the call.
     */
    size_t struct_size;
    /**
     * Peers that were told and whose connection ended in time.
     */
    uint32_t peers_told;
    /**
     * Connections that had to be cut at the deadline.
     */
    uint32_t peers_cut;
    /**
     * False when something was still running at the deadline and was abandoned.
     */
    bool in_time;
} rustock_stop_report;

/**
 * A block as events tell of it.
 */
typedef struct rustock_block {
    /**
     * Height.
     */
    uint64_t number;
    /**
     * Seconds since 1970, as its header says.
     */
    uint64_t timestamp;
    /**
     * Block hash.
     */
    struct rustock_hash hash;
    /**
     * Hash of the block below.
     */
    struct rustock_hash parent_hash;
} rustock_block;

/**
 * A view of bytes that belong to the handle they came from.
 */
typedef struct rustock_bytes {
    /**
     * The first byte; never NULL.
     */
    const uint8_t *data;
    /**
     * Bytes.
     */
    size_t length;
} rustock_bytes;

/**
 * It worked.
 */
#define RUSTOCK_STATUS_OK 0

/**
 * The time has passed and nothing came. Ask again.
 */
#define RUSTOCK_STATUS_TIMEOUT 1

/**
 * The client was stopped, or the subscription closed. There will be nothing more.
 */
#define RUSTOCK_STATUS_CLOSED 2

/**
 * `out`, or another argument for an output, is NULL.
 */
#define RUSTOCK_STATUS_NULL_OUT 100

/**
 * `config` is NULL.
 */
#define RUSTOCK_STATUS_NULL_CONFIG 101

/**
 * `client` is NULL.
 */
#define RUSTOCK_STATUS_NULL_CLIENT 102

/**
 * `subscription` is NULL.
 */
#define RUSTOCK_STATUS_NULL_SUBSCRIPTION 103

/**
 * `event` is NULL.
 */
#define RUSTOCK_STATUS_NULL_EVENT 104

/**
 * `error` is NULL where one is to be read.
 */
#define RUSTOCK_STATUS_NULL_ERROR 105

/**
 * `buffer` is NULL.
 */
#define RUSTOCK_STATUS_NULL_BUFFER 106

/**
 * `path` is NULL.
 */
#define RUSTOCK_STATUS_NULL_PATH 107

/**
 * `json` is NULL.
 */
#define RUSTOCK_STATUS_NULL_JSON 108

/**
 * `enode` is NULL.
 */
#define RUSTOCK_STATUS_NULL_ENODE 109

/**
 * A text is not UTF-8.
 */
#define RUSTOCK_STATUS_NOT_UTF8 120

/**
 * A text is longer than any sensible one: more than 1 MiB.
 */
#define RUSTOCK_STATUS_TEXT_TOO_LONG 121

/**
 * `struct_size` was not set to the size of the struct.
 */
#define RUSTOCK_STATUS_STRUCT_SIZE 122

/**
 * There is no block at that index of the event.
 */
#define RUSTOCK_STATUS_INDEX_OUT_OF_RANGE 123

/**
 * Events of this kind have no such part.
 */
#define RUSTOCK_STATUS_NOT_IN_EVENT 124

/**
 * No network has that number.
 */
#define RUSTOCK_STATUS_UNKNOWN_NETWORK 200

/**
 * Neither a data directory nor memory was chosen.
 */
#define RUSTOCK_STATUS_NO_STORE 201

/**
 * Retired, and never returned: every era of every network is known. The number is kept.
 */
#define RUSTOCK_STATUS_ERA_NOT_SUPPORTED 202

/**
 * The checkpoint is not one, contradicts itself, or breaks a rule.
 */
#define RUSTOCK_STATUS_CHECKPOINT 203

/**
 * The genesis values of the network do not make a header.
 */
#define RUSTOCK_STATUS_GENESIS 204

/**
 * A peer address is not of the form `enode://<node id>@<host>:<port>`.
 */
#define RUSTOCK_STATUS_PEER 205

/**
 * More peers than a client takes.
 */
#define RUSTOCK_STATUS_TOO_MANY_PEERS 206

/**
 * That number of worker threads cannot be used.
 */
#define RUSTOCK_STATUS_WORKERS 207

/**
 * The system gave no random bytes for the node key.
 */
#define RUSTOCK_STATUS_RANDOMNESS 208

/**
 * Another client, in this process or another, holds the store.
 */
#define RUSTOCK_STATUS_STORE_IN_USE 300

/**
 * The store holds another network's chain.
 */
#define RUSTOCK_STATUS_STORE_OTHER_NETWORK 301

/**
 * The store was written by a release with another schema.
 */
#define RUSTOCK_STATUS_STORE_OTHER_SCHEMA 302

/**
 * The file is not a store of Rustock.
 */
#define RUSTOCK_STATUS_STORE_NOT_OURS 303

/**
 * A record is damaged: restore the file, or remove it and sync again.
 */
#define RUSTOCK_STATUS_STORE_CORRUPT 304

/**
 * The operating system refused: no space, no permission, a device error.
 */
#define RUSTOCK_STATUS_STORE_IO 305

/**
 * A step was worked out from another head than the store has. A fault of this library; nothing was changed.
 */
#define RUSTOCK_STATUS_STORE_STALE_BATCH 306

/**
 * A step is not linked to the stored chain. A fault of this library; nothing was changed.
 */
#define RUSTOCK_STATUS_STORE_BROKEN_BATCH 307

/**
 * The client was stopped and cannot be started again: open another one.
 */
#define RUSTOCK_STATUS_STOPPED 400

/**
 * The system gave no threads.
 */
#define RUSTOCK_STATUS_THREADS 401

/**
 * The client has no header at that height: below its base, or above its head.
 */
#define RUSTOCK_STATUS_HEADER_NOT_FOUND 500

/**
 * The cursor is of another network's chain.
 */
#define RUSTOCK_STATUS_CURSOR_OTHER_NETWORK 501

/**
 * `max_batch` is 0: no event could ever carry a block.
 */
#define RUSTOCK_STATUS_ZERO_BATCH 502

/**
 * The event acknowledged is not the one at hand. Nothing has moved.
 */
#define RUSTOCK_STATUS_WRONG_EVENT 503

/**
 * A fault of this library, caught before it reached the app. Please report it with the message.
 */
#define RUSTOCK_STATUS_PANIC 900

/**
 * Something that has no code of its own yet. The message says what.
 */
#define RUSTOCK_STATUS_OTHER 901

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The ABI version of the library: major << 16 | minor. Compare it with the header's before the first other call.
 *
 * Threads: any.
 */
uint32_t rustock_abi_version(void);

/**
 * The name of a status code, for logs: "RUSTOCK_STATUS_OK". Static, ends with a zero byte; "RUSTOCK_STATUS_?" for
 * a code this release does not have.
 *
 * Threads: any.
 */
const char *rustock_status_name(rustock_status status);

/**
 * The status code that the function returned.
 *
 * Threads: any.
 */
rustock_status rustock_error_code(const struct rustock_error *error, rustock_status *out);

/**
 * The name of the argument or setting at fault, a view owned by the error; empty when none is.
 *
 * Threads: any.
 */
rustock_status rustock_error_field(const struct rustock_error *error, struct rustock_text *out);

/**
 * What happened, in English, a view owned by the error. For logs: programs decide by the code.
 *
 * Threads: any.
 */
rustock_status rustock_error_message(const struct rustock_error *error, struct rustock_text *out);

/**
 * Frees an error and the views of it. NULL is fine.
 *
 * Threads: any, as the last call with it.
 */
void rustock_error_free(struct rustock_error *error);

/**
 * Begins a configuration. `network` is one of the RUSTOCK_NETWORK_ values.
 *
 * Threads: any.
 */
rustock_status rustock_config_new(uint32_t network,
                                  struct rustock_config **out,
                                  struct rustock_error **error);

/**
 * Keeps the chain in this directory, which is made if need be. One client at a time can use it.
 *
 * Threads: one at a time per config.
 */
rustock_status rustock_config_set_data_dir(struct rustock_config *config,
                                           const char *path,
                                           size_t path_length,
                                           struct rustock_error **error);

/**
 * Keeps the chain in memory: nothing survives the client.
 *
 * Threads: one at a time per config.
 */
rustock_status rustock_config_set_in_memory(struct rustock_config *config, struct rustock_error **error);

/**
 * Starts a new chain from this checkpoint: the text of a checkpoint file. A data directory that holds a chain
 * already goes on from there. Default: the checkpoint that comes with the library, genesis where there is none.
 *
 * Threads: one at a time per config.
 */
rustock_status rustock_config_set_checkpoint_json(struct rustock_config *config,
                                                  const char *json,
                                                  size_t json_length,
                                                  struct rustock_error **error);

/**
 * Starts a new chain from the network's first block.
 *
 * Threads: one at a time per config.
 */
rustock_status rustock_config_set_start_genesis(struct rustock_config *config, struct rustock_error **error);

/**
 * Adds a peer by `enode://<node id>@<host>:<port>`. It is always dialled; what it sends is verified like
 * anybody's. Checked when the client is opened.
 *
 * Threads: one at a time per config.
 */
rustock_status rustock_config_add_peer(struct rustock_config *config,
                                       const char *enode,
                                       size_t enode_length,
                                       struct rustock_error **error);

/**
 * Asks peers as fast as they answer. Only for peers you own: rskj drops what comes faster than its throttle.
 *
 * Threads: one at a time per config.
 */
rustock_status rustock_config_set_unpaced(struct rustock_config *config, struct rustock_error **error);

/**
 * The client's worker threads, 1 to 64. Default 1, which a phone's connection never fills. Checked when the client
 * is opened.
 *
 * Threads: one at a time per config.
 */
rustock_status rustock_config_set_workers(struct rustock_config *config,
                                          uint32_t workers,
                                          struct rustock_error **error);

/**
 * Frees a config. Clients opened with it are not touched. NULL is fine.
 *
 * Threads: any, as the last call with it.
 */
void rustock_config_free(struct rustock_config *config);

/**
 * Opens the store and validates the whole configuration, which stays yours. Touches no network.
 *
 * Threads: any, while nobody changes the config.
 */
rustock_status rustock_client_open(const struct rustock_config *config,
                                   struct rustock_client **out,
                                   struct rustock_error **error);

/**
 * Starts to dial peers and follow the chain. Returns at once; a second call does nothing.
 *
 * Threads: any.
 */
rustock_status rustock_client_start(struct rustock_client *client, struct rustock_error **error);

/**
 * The best verified header that is durable; the base's right after opening. Answers from memory, before start and
 * after stop too.
 *
 * Threads: any.
 */
rustock_status rustock_client_best_header(const struct rustock_client *client,
                                          struct rustock_header *out,
                                          struct rustock_error **error);

/**
 * What the client is doing and how far it has come. Answers from memory, before start and after stop too.
 *
 * Threads: any.
 */
rustock_status rustock_client_status(const struct rustock_client *client,
                                     struct rustock_client_status_view *out,
                                     struct rustock_error **error);

/**
 * The last thing that went wrong with a peer, in English, as UTF-8; empty when nothing did. For logs.
 *
 * Threads: any.
 */
rustock_status rustock_client_last_problem(const struct rustock_client *client,
                                           struct rustock_buffer **out,
                                           struct rustock_error **error);

/**
 * The header at a height of the verified chain, as received: its RLP, whose bytes prove its hash.
 * RUSTOCK_STATUS_HEADER_NOT_FOUND below the base and above the head, RUSTOCK_STATUS_CLOSED after stop.
 *
 * Threads: any.
 */
rustock_status rustock_client_header_by_number(const struct rustock_client *client,
                                               uint64_t number,
                                               struct rustock_buffer **out,
                                               struct rustock_error **error);

/**
 * Subscribes to changes of the chain after a cursor, or from the head at this call when `after` is NULL.
 * `settle_depth` stays that many blocks behind the head, so that shallower reorganisations never show. `max_batch` is
 * the most blocks added by one event: 1,000 is a good choice. The subscription is freed on its own, before or after
 * the client.
 *
 * Threads: any.
 */
rustock_status rustock_client_subscribe(struct rustock_client *client,
                                        const struct rustock_cursor *after,
                                        uint32_t settle_depth,
                                        uint32_t max_batch,
                                        struct rustock_subscription **out,
                                        struct rustock_error **error);

/**
 * Stops: peers are told, what was verified is written, the store is closed, every thread of the client ends. At the
 * deadline the rest is cut off. Whoever waits in rustock_subscription_next gets RUSTOCK_STATUS_CLOSED. `out` may be
 * NULL. A second call does nothing.
 *
 * Threads: any; it waits for the deadline, and under half a second more for what is cut off then.
 */
rustock_status rustock_client_stop(struct rustock_client *client,
                                   uint32_t deadline_ms,
                                   struct rustock_stop_report *out,
                                   struct rustock_error **error);

/**
 * Frees a client, after stopping it briefly if it still runs. Its subscriptions stay yours and are closed. NULL is
 * fine.
 *
 * Threads: any, as the last call with it.
 */
void rustock_client_free(struct rustock_client *client);

/**
 * Waits for the next event, at most `timeout_ms`; 0 only looks. The same event comes again until it is acknowledged.
 * RUSTOCK_STATUS_TIMEOUT when the time has passed, RUSTOCK_STATUS_CLOSED when there will be no more events.
 *
 * Threads: any; threads in it at the same time take turns, and waiting for one's turn counts as waiting.
 */
rustock_status rustock_subscription_next(struct rustock_subscription *subscription,
                                         uint32_t timeout_ms,
                                         struct rustock_event **out,
                                         struct rustock_error **error);

/**
 * Moves on past the event at hand, which must be this one, else RUSTOCK_STATUS_WRONG_EVENT. The event stays yours.
 * Nothing is persisted: store the event's cursor with your own data.
 *
 * Threads: any.
 */
rustock_status rustock_subscription_ack(struct rustock_subscription *subscription,
                                        const struct rustock_event *event,
                                        struct rustock_error **error);

/**
 * Where the subscription stands: the last block acknowledged, at first the one it started after.
 *
 * Threads: any.
 */
rustock_status rustock_subscription_cursor(const struct rustock_subscription *subscription,
                                           struct rustock_cursor *out,
                                           struct rustock_error **error);

/**
 * Ends the subscription: whoever waits in rustock_subscription_next gets RUSTOCK_STATUS_CLOSED. Returns at once. A
 * second call does nothing, and neither does NULL.
 *
 * Threads: any.
 */
void rustock_subscription_close(struct rustock_subscription *subscription);

/**
 * Frees a subscription, before or after its client. Events it gave stay yours. NULL is fine.
 *
 * Threads: any, as the last call with it: close it first and let waiting threads come back.
 */
void rustock_subscription_free(struct rustock_subscription *subscription);

/**
 * What kind of change it is: one of the RUSTOCK_EVENT_ values, or RUSTOCK_UNKNOWN.
 *
 * Threads: any.
 */
rustock_status rustock_event_kind(const struct rustock_event *event, uint32_t *out);

/**
 * Where a subscriber stands once it has taken the event in. Store it with what you did about the event.
 *
 * Threads: any.
 */
rustock_status rustock_event_cursor(const struct rustock_event *event, struct rustock_cursor *out);

/**
 * How many blocks it adds; 0 when it is a rebase.
 *
 * Threads: any.
 */
rustock_status rustock_event_added_count(const struct rustock_event *event, size_t *out);

/**
 * One of the blocks it adds: ascending, linked, on top of the common ancestor.
 *
 * Threads: any.
 */
rustock_status rustock_event_added(const struct rustock_event *event,
                                   size_t index,
                                   struct rustock_block *out);

/**
 * How many blocks it removes; 0 unless it is a reorganisation.
 *
 * Threads: any.
 */
rustock_status rustock_event_removed_count(const struct rustock_event *event, size_t *out);

/**
 * One of the blocks it removes: from the top down, the order in which to undo them.
 *
 * Threads: any.
 */
rustock_status rustock_event_removed(const struct rustock_event *event,
                                     size_t index,
                                     struct rustock_block *out);

/**
 * The highest block that stayed. RUSTOCK_STATUS_NOT_IN_EVENT unless it is a reorganisation.
 *
 * Threads: any.
 */
rustock_status rustock_event_common_ancestor(const struct rustock_event *event, struct rustock_block *out);

/**
 * Why the cursor could not be followed (one of the RUSTOCK_REBASE_ values) and the block the subscription goes on from.
 * RUSTOCK_STATUS_NOT_IN_EVENT unless it is a rebase.
 *
 * Threads: any.
 */
rustock_status rustock_event_rebase(const struct rustock_event *event,
                                    uint32_t *out_reason,
                                    struct rustock_block *out_new);

/**
 * Frees an event. NULL is fine.
 *
 * Threads: any, as the last call with it.
 */
void rustock_event_free(struct rustock_event *event);

/**
 * The bytes, a view owned by the buffer.
 *
 * Threads: any.
 */
rustock_status rustock_buffer_bytes(const struct rustock_buffer *buffer, struct rustock_bytes *out);

/**
 * Frees a buffer and the views of it. NULL is fine.
 *
 * Threads: any, as the last call with it.
 */
void rustock_buffer_free(struct rustock_buffer *buffer);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RUSTOCK_H */
