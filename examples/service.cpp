/*
 * service - the desk of a shop inside a C++ service: a pool of threads answers messages of many conversations.
 *
 *     examples/shop/import.sh shop.db
 *     printf '%s\n' 'web-1 c001 Where is PL26111334?' 'web-2 c002 取消PL26111606' 'web-2 c002 是的' | service shop.db
 *
 * Each line is a conversation, the customer that is logged in ("-": nobody) and the text. The customer comes from the
 * login of your service, never from the text. The messages of one conversation go to one thread, so they are answered
 * in their order; a message that fails is reported and the others go on.
 */
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <llmcs_shop.hpp>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

namespace {

namespace shop = llmcs::shop;

std::mutex output;

std::string answer_line(const std::string &line, shop::desk &desk) {
    shop::message message;
    std::istringstream fields(line);
    if (!(fields >> message.conversation >> message.customer) || !std::getline(fields >> std::ws, message.text))
        throw llmcs::invalid_argument("a line is: CONVERSATION CUSTOMER TEXT");
    if (message.customer == "-") message.customer.clear();
    message.deadline_ms = 2000; /* then the best reply so far: the template, or the entry itself */
    const shop::turn turn = desk.say(message);
    std::ostringstream out;
    out << message.conversation << " < " << message.text << '\n' << message.conversation << " > " << turn.reply();
    out << "\n  [" << turn.route_name();
    if (turn.action_state() != LLMCS_ACTION_NONE) out << ", " << turn.action() << ' ' << turn->action_object;
    for (const llmcs_shop_citation &citation : turn.citations()) out << ", entry " << citation.id;
    for (const std::string_view product : turn.products()) out << ", product " << product;
    out << "]\n";
    return out.str();
}

/* A thread with its lines. */
class worker {
   public:
    explicit worker(shop::desk &desk) : desk_(desk), thread_([this] { run(); }) {}
    void add(std::string line) {
        const std::lock_guard<std::mutex> lock(mutex_);
        lines_.push_back(std::move(line));
        arrived_.notify_one();
    }
    /* Answers what is left. The number of lines that failed. */
    int finish() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            closed_ = true;
            arrived_.notify_one();
        }
        thread_.join();
        return n_failed_;
    }

   private:
    void run() {
        for (std::unique_lock<std::mutex> lock(mutex_);;) {
            arrived_.wait(lock, [this] { return closed_ || !lines_.empty(); });
            if (lines_.empty()) return;
            const std::string line = std::move(lines_.front());
            lines_.pop_front();
            lock.unlock();
            answer(line);
            lock.lock();
        }
    }
    void answer(const std::string &line) {
        std::string text;
        try {
            text = answer_line(line, desk_);
        } catch (const llmcs::error &e) { /* e.status() says whether it is worth another try */
            n_failed_++;
            text = "service: " + std::string(e.name()) + ": " + e.what() + '\n';
        }
        const std::lock_guard<std::mutex> lock(output);
        std::cout << text << std::flush;
    }

    shop::desk &desk_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<std::string> lines_;
    bool closed_ = false;
    int n_failed_ = 0;
    std::thread thread_; /* last: it uses the rest */
};

int serve(const char *path, std::size_t n_threads) {
    const shop::service service(path); /* the store and what its settings name: encoder, classifiers, flows, wording */
    shop::desk desk = service.desk();
    std::deque<worker> workers;
    for (std::size_t i = 0; i < n_threads; i++) workers.emplace_back(desk);
    for (std::string line; std::getline(std::cin, line);)
        if (!line.empty()) workers[std::hash<std::string>()(line.substr(0, line.find(' '))) % n_threads].add(line);
    int n_failed = 0;
    for (worker &w : workers) n_failed += w.finish();
    return n_failed != 0;
}

}  // namespace

int main(int argc, char **argv) {
    const int n = argc == 3 ? std::atoi(argv[2]) : 4;
    if (argc < 2 || argc > 3 || n < 1 || n > 64) return std::cerr << "usage: service STORE [THREADS] < messages\n", 2;
    try {
        return serve(argv[1], static_cast<std::size_t>(n));
    } catch (const std::exception &e) {
        return std::cerr << "service: " << e.what() << '\n', 1;
    }
}
