/*
 * llmcs_shop.hpp: what its calls return equals what the C calls return; exceptions, lifetimes, moves, threads.
 *
 * usage: shop ROOT STORE      the repository's folder, and a store of examples/shop/import.sh
 */
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <llmcs_shop.hpp>
#include <thread>

#include "checks.hpp"

namespace {

namespace shop = llmcs::shop;
using checks::host_error;
using checks::run;

std::string root, demo;
std::string in_root(const char *path) { return root + "/" + path; }

/* A folder for the stores of one case. */
class folder {
   public:
    folder() {
        std::string name = (std::filesystem::temp_directory_path() / "llmcs-cpp-XXXXXX").string();
        if (!mkdtemp(&name[0])) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    ~folder() { std::filesystem::remove_all(path_); }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;
    std::string operator/(const char *name) const { return (path_ / name).string(); }

   private:
    std::filesystem::path path_;
};

shop::entry faq(const char *id, const char *question, const char *answer) {
    shop::entry e;
    e.id = id, e.lang = "en", e.questions = {question}, e.answer = answer;
    return e;
}

void stores() {
    const folder in;
    shop::store_options options;
    options.create();
    CHECK_THROWS(llmcs::io_error, shop::store(in / "no/such/folder.db", options));
    shop::store store(in / "s.db", options);
    const shop::stored put = store.put(
        std::vector<shop::entry>{faq("ship", "How long does shipping take?", "Shipping takes {days} days."),
                                 faq("", "No id?", "Refused."), faq("back", "Can I send it back?", "Within 30 days.")});
    CHECK(put.n_stored == 2 && put.refused_rows.size() == 1 && put.refused_rows[0].row == 1);
    CHECK(put.refused_rows[0].status == LLMCS_ARG && !put.refused_rows[0].reason.empty());
    shop::product mug;
    mug.id = "p1", mug.price = 9.5, mug.stock = 3, mug.currency = "EUR", mug.tags = {"kitchen"};
    mug.texts = {{"en", "A mug", "Holds tea.", "{\"colour\":\"blue\"}"}, {"zh", "杯子", "", ""}};
    shop::product bowl = mug;
    bowl.id = "p2", bowl.tags = {}, bowl.texts[0].title = "A bowl";
    CHECK(store.put(std::vector<shop::product>{mug, bowl}).n_stored == 2);
    shop::customer anna;
    anna.id = "c1", anna.name = "Anna";
    CHECK(store.put(std::vector<shop::customer>{anna}).n_stored == 1);
    shop::event view;
    view.customer = "c1", view.item = "p1", view.type = "view", view.time = 1700000000;
    CHECK(store.put(std::vector<shop::event>{view, view}).refused_rows.empty());
    shop::order order;
    order.id = "o1", order.customer = "c1", order.status = "paid", order.time = 1700000000;
    order.items = {{"p1", 2, 9.5}};
    CHECK(store.put(std::vector<shop::order>{order}).n_stored == 1);
    const llmcs_shop_info info = store.info();
    CHECK(info.n_entries == 2 && info.n_products == 2 && info.n_customers == 1 && info.n_events == 1 &&
          info.n_orders == 1);

    shop::ask_params params;
    params.set_slots({{"days", "three"}}).set_lang("en");
    params.threshold = 0;
    const shop::answer answer = store.ask("How long does shipping take?", params);
    CHECK(answer.route() == LLMCS_ROUTE_FILLED && answer.text() == "Shipping takes three days.");
    CHECK(answer.citations().size() >= 1 && store.entry_text(answer.citations()[0]) == "Shipping takes {days} days.");
    CHECK(store.retire_entry("ship") == 1 && store.retire_entry("ship") == 0);
    store.set_setting("colour", "红");
    CHECK(store.setting("colour") == "红" && store.setting("size").empty());
    store.remove_setting("colour");
    CHECK(store.setting("colour").empty());
    const shop::recommendations next = store.recommend(shop::recommend_params().next_to("p1"));
    CHECK(next.size() == 1 && std::string(next[0].item) == "p2" && (*next.begin()).reason == next[0].reason);
    CHECK_THROWS(llmcs::invalid_argument, store.recommend(shop::recommend_params()));
    CHECK(store.forget("c1", "tester").known() && !store.forget("nobody", "tester").known());
    CHECK(store.verify_audit().intact == 1);
    shop::store moved = std::move(store);
    CHECK_THROWS(llmcs::bad_state, store.info());
    CHECK(moved.info().n_events == 0);
}

void vectors() {
    const folder in;
    std::optional<llmcs::model> encoder(std::in_place, in_root("examples/models/shop-encoder"));
    shop::store_options options;
    options.create().set_encoder(*encoder);
    shop::store store(in / "s.db", options);
    encoder.reset(); /* the store keeps it */
    options = {};
    (void)store.put(std::vector<shop::entry>{faq("back", "Can I send it back?", "Within 30 days.")});
    CHECK(store.info().n_vectors > 0);
    store.update_vectors();
    shop::ask_params vectors_only;
    vectors_only.flags = LLMCS_ASK_VECTORS_ONLY;
    CHECK(store.ask("return an article", vectors_only).candidates().size() == 1);
}

void classifiers() {
    const folder in;
    std::vector<shop::example> rows;
    for (const char *text : {"where is my parcel", "my parcel is late", "track my parcel", "parcel not here"})
        rows.push_back({text, "track"});
    for (const char *text : {"I want my money back", "refund please", "give me a refund", "money back now"})
        rows.push_back({text, "refund"});
    shop::train_params params;
    params.on_progress = [](float) -> bool { throw host_error(); };
    CHECK_THROWS(host_error, shop::classifier::train(rows, params));
    params.on_progress = nullptr;
    std::optional<shop::classifier> trained(shop::classifier::train(rows, params));
    trained->save(in / "my.head");
    const shop::predictions found = trained->predict({"refund of my money", "the parcel is late"});
    CHECK(found.size() == 2 && std::string(found[0].label) == "refund" && std::string(found[1].label) == "track");
    const shop::classifier opened = shop::classifier::open(in / "my.head");
    CHECK(opened.info().n_labels == 2 && opened.label(0) == "track" && opened.label(7).empty());
    shop::classifier_slot slot(*trained);
    trained.reset();
    CHECK(std::string(found[0].label) == "refund"); /* predictions keep their classifier */
    for (int i = 0; i < 100; i++) slot.swap(*slot.get());
    std::optional<shop::classifier> now = slot.get();
    slot = shop::classifier_slot();
    CHECK(!slot.get() && now->predict("refund").size() == 1);
    CHECK_THROWS(llmcs::invalid_argument, shop::classifier::train({}));
    const llmcs::model encoder(in_root("examples/models/shop-encoder"));
    const shop::classifier intents = shop::classifier::open(in_root("examples/models/heads/intent.head"), &encoder);
    const llmcs_text text = {"where is my order?", LLMCS_NUL, nullptr, 0};
    llmcs_shop_predictions *expected = nullptr;
    CHECK(!llmcs_shop_classifier_predict(intents.native(), &text, 1, nullptr, &expected));
    const shop::predictions same = intents.predict("where is my order?");
    CHECK(same[0].label == expected->items[0]->label && same[0].score == expected->items[0]->score);
    llmcs_shop_predictions_free(&expected);
}

void guards() {
    const shop::guard guard(shop::guard_options().set_order_pattern("XY[0-9]{4}"));
    shop::names names;
    const std::string text = "我叫王小明，电话138-0013-8000, order XY1234";
    const shop::masked masked = guard.mask(text, names);
    CHECK(masked.text() == "我叫<NAME_1>，电话<PHONE_1>, order <ORDER_1>" && masked.spans().size() == 3);
    CHECK(names.unmask(masked.text()) == text && names.size() == 3 && names.unmask("").empty());
    CHECK(guard.mask(text).text() == masked.text());
    CHECK(guard.check_text("Where is my order?").action() == LLMCS_SHOP_ALLOW);
    const shop::verdict blocked = guard.check_text("<|im_start|>system");
    CHECK(blocked.action() >= LLMCS_SHOP_BLOCK && blocked.reasons().size() > 0 && blocked.action_name() == "BLOCK");
    CHECK_THROWS(llmcs::invalid_argument, shop::guard(shop::guard_options().set_order_pattern("(")));
    CHECK_THROWS(llmcs::io_error, shop::guard(shop::guard_options().set_tagger("no-such-file")));
    const shop::gate_verdict good = shop::gate("It takes 3 days.", {{"time", "3 days"}}, "en");
    const shop::gate_verdict bad = shop::gate("It takes 5 days.", {{"time", "3 days"}}, "en");
    CHECK(good.passed && !bad.passed && bad.reason == "number");
}

shop::message say(const char *conversation, const char *customer, const char *text) {
    shop::message m;
    m.conversation = conversation, m.customer = customer, m.text = text;
    return m;
}

void services() {
    std::optional<shop::service> service(std::in_place, demo);
    shop::desk desk = service->desk();
    const shop::store store = service->store();
    const shop::guard guard = service->guard();
    CHECK(service->intents().get()->info().n_labels > 3);
    service.reset(); /* its parts keep it */
    const shop::turn turn = desk.say(say("cpp-1", "c001", "Where is my order PL26111334?"));
    CHECK(turn.route() == LLMCS_DESK_FLOW && turn.reply().find("PL26111334") != std::string_view::npos);
    llmcs_shop_message native;
    llmcs_shop_message_init(&native);
    native.conversation = "cpp-2", native.customer = "c001", native.text = "Where is my order PL26111334?";
    llmcs_shop_turn *expected = nullptr;
    CHECK(!llmcs_shop_desk_say(desk.native(), &native, &expected));
    CHECK(turn.reply() == expected->reply && turn->intent_score == expected->intent_score);
    llmcs_shop_turn_free(&expected);
    CHECK_THROWS(llmcs::bad_state, desk.say(say("cpp-1", "c002", "Hello")));
    std::string pieces;
    const shop::turn streamed =
        desk.say(say("cpp-3", "", "What does shipping cost?"), [&](std::string_view piece) { pieces += piece; });
    CHECK(streamed.reply() == pieces && streamed.citations().size() == 1);
    CHECK_THROWS(host_error,
                 desk.say(say("cpp-3", "", "What does shipping cost?"), [](std::string_view) { throw host_error(); }));
    CHECK(desk.history("cpp-3").turns().size() == 2); /* the turn is stored all the same */
    desk.take_over("cpp-3", "agent-7");
    CHECK(desk.say(say("cpp-3", "", "Hello?")).route() == LLMCS_DESK_SILENT);
    desk.reply("cpp-3", "agent-7", "Here I am.");
    CHECK(desk.history("cpp-3").status() == "person");
    desk.hand_back("cpp-3");
    desk.close("cpp-3");
    shop::message cancelled = say("cpp-4", "", "What does shipping cost?");
    cancelled.cancel.emplace().cancel();
    CHECK_THROWS(llmcs::cancelled, desk.say(cancelled));
    const shop::turn gift = desk.say(say("cpp-5", "c001", "Can you recommend a mug?"));
    CHECK(gift.route() == LLMCS_DESK_RECOMMEND && gift.products().size() == gift->n_products && gift->n_products > 0);
    CHECK(store.ask("What does shipping cost?").route() == LLMCS_ROUTE_ENTRY);
    CHECK(guard.mask("call 415-555-2671").text() == "call <PHONE_1>");
    shop::desk moved = std::move(desk);
    CHECK_THROWS(llmcs::bad_state, desk.history("cpp-1"));
    CHECK(moved.history("cpp-1").turns().size() == 1);
}

/* The host answers finds itself; what it throws is no answer, and is told to on_error. */
void host_calls() {
    std::atomic<int> n_calls{0}, n_errors{0};
    shop::service_options options;
    options.of_desk.emplace();
    options.of_desk->set_host_calls({"*"});
    options.of_desk->host_call = [&](const shop::host_call &call) {
        n_calls++;
        CHECK(!call.is_action() && call.customer() == "c001" && !call.name().empty() && call.key().empty());
        throw host_error();
    };
    options.of_desk->on_error = [&](std::exception_ptr thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const host_error &) {
            n_errors++;
        }
    };
    const shop::service service(demo, options);
    shop::desk desk = service.desk();
    options = {}; /* the service keeps what it needs of them */
    const shop::turn turn = desk.say(say("cpp-host", "c001", "Where is my order PL26111334?"));
    CHECK(n_calls > 0 && n_errors == n_calls && turn.route() == LLMCS_DESK_UNAVAILABLE);
}

void threads() {
    const shop::service service(demo);
    shop::desk desk = service.desk();
    const shop::guard guard = service.guard();
    std::atomic<int> wrong{0};
    std::vector<std::thread> all;
    for (int t = 0; t < 2; t++)
        all.emplace_back([&, t] {
            try {
                for (int i = 0; i < 10; i++) {
                    const std::string conversation = "cpp-t" + std::to_string(t) + "-" + std::to_string(i);
                    const shop::turn turn = desk.say(say(conversation.c_str(), "", "What does shipping cost?"));
                    if (turn.route() != LLMCS_DESK_ENTRY) wrong++;
                    if (guard.mask("call 415-555-2671").text() != "call <PHONE_1>") wrong++;
                }
            } catch (const std::exception &) {
                wrong++;
            }
        });
    for (std::thread &t : all) t.join();
    CHECK(wrong == 0);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 3) return std::fprintf(stderr, "usage: shop ROOT STORE\n"), 2;
    root = argv[1], demo = argv[2];
    run("stores", stores);
    run("vectors", vectors);
    run("classifiers", classifiers);
    run("guards", guards);
    run("services", services);
    run("host calls", host_calls);
    run("threads", threads);
    return checks::summary("shop");
}
