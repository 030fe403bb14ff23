// SPDX-License-Identifier: Apache-2.0
#include "server/core/rooms.h"
#include "server/core/batch.h"
#include "server/core/rate.h"
#include "server/core/router.h"
#include <QtCore/QHash>
#include <algorithm>
#include <deque>
#include <tsl/robin_map.h>
#include <utility>

namespace server {
namespace {

constexpr std::size_t ClockEvery = 64; // recipients between two looks at the clock
/// Deliveries that may wait on one shard, over all rooms; the newest is dropped and counted beyond it.
constexpr std::size_t MostWaiting = 100000;

struct TextHash {
    using is_transparent = void;
    /// Seeded: names come from clients.
    std::size_t operator()(std::string_view text) const {
        return qHashBits(text.data(), text.size(), QHashSeed::globalSeed());
    }
};
struct TextEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};
template <class Value>
using TextMap = tsl::robin_map<std::string, Value, TextHash, TextEqual>;

/// What one slice may still do: recipients and time. Looks at the clock now and then only.
class Budget {
public:
    Budget(const Clock& clock, std::size_t recipients)
        : m_clock(clock), m_until(clock.now() + Rooms::SliceTime), m_left(recipients) {}
    bool isSpent() const { return m_left == 0; }
    void spend() {
        if (m_left > 0 && --m_left % ClockEvery == 0 && m_clock.now() >= m_until)
            m_left = 0;
    }

private:
    const Clock& m_clock;
    TimePoint m_until;
    std::size_t m_left;
};

} // namespace

struct Namespace;

/// A message on its way, in the queue of each room it is for.
struct Passage {
    explicit Passage(MessagePtr message, TimePoint now) : delivery(std::move(message)), queuedAt(now) {}
    Delivery delivery;
    TimePoint queuedAt;
    std::vector<Room*> rooms;          // all of its rooms that have members here
    std::size_t waitingFor = 0;        // rooms in whose queue it is not yet the first
    std::size_t current = 0;           // the one of `rooms` that is being visited
    std::uint64_t mark = 0;            // for Member::visit when it can meet a member twice
    std::vector<MemberId> implied;     // members named one by one, beside `rooms`
    std::vector<const Room*> except;   // named rooms whose members do not get it
    std::vector<const Member*> absent; // members named one by one by their implied room
    std::unique_ptr<Batch> batch;      // what the delivery was made of
    std::vector<const Member*> apart;  // members of the room who do not get all of the batch; sorted
    std::uint64_t reached = 0;
    bool isStarted = false;
    bool isMarking() const { return rooms.size() > 1 || !implied.empty(); }
};

/// Named members. While a message is under way, [0, cursor) have been visited and [cursor, end) have not.
class Room {
public:
    Room(Namespace& owner, RoomName name) : owner(owner), name(std::move(name)) {}
    Namespace& owner;
    RoomName name; // empty: everybody in the namespace
    std::vector<Member*> members;
    std::size_t cursor = 0;
    std::size_t place = 0; // in Inner::walk
    Rate rate;
    std::deque<std::shared_ptr<Passage>> queue;
};

struct Namespace {
    explicit Namespace(NamespaceName name) : name(std::move(name)), everybody(*this, RoomName()) {}
    NamespaceName name;
    Room everybody;
    TextMap<std::unique_ptr<Room>> rooms;
    TextMap<Member*> byId;
};

struct Rooms::Inner {
    ShardIndex shard;
    Router& router;
    Counters& counters;
    const Clock& clock;
    TextMap<std::unique_ptr<Namespace>> namespaces;
    std::deque<std::shared_ptr<Passage>> ready; // first in all of their rooms: round robin
    // Member::visit holds one mark, so one passage that marks is under way at a time; the next ones wait
    // here.
    std::deque<std::shared_ptr<Passage>> markers;
    bool isMarkerUnderWay = false;
    std::vector<Room*> walk{}; // every named room, for listings that come back between two slices
    OpenBatches batches{};
    std::size_t memberCount = 0;
    std::size_t waiting = 0;
    std::uint64_t nextMark = 0;

    Namespace* find(std::string_view nsp) const {
        const auto it = namespaces.find(nsp);
        return it == namespaces.end() ? nullptr : it->second.get();
    }
    static Room* find(const Namespace& nsp, std::string_view room) {
        const auto it = nsp.rooms.find(room);
        return it == nsp.rooms.end() ? nullptr : it->second.get();
    }
    /// Where `member` sits in `room`; the namespace's own room is kept outside the seats.
    static std::uint32_t& position(Member& member, Room& room) {
        if (&room == &room.owner.everybody)
            return member.everybody;
        const auto seat = std::find_if(member.seats.begin(), member.seats.end(),
                                       [&room](const Member::Seat& s) { return s.room == &room; });
        return seat->position;
    }
    static bool sits(const Member& member, const Room& room) {
        return std::any_of(member.seats.begin(), member.seats.end(),
                           [&room](const Member::Seat& seat) { return seat.room == &room; });
    }
    static void place(Room& room, std::size_t index, Member* member) {
        room.members[index] = member;
        position(*member, room) = std::uint32_t(index);
    }
    /// Takes out the member at `index` and keeps the two halves apart, so that nobody is skipped or visited
    /// twice.
    static void takeOut(Room& room, std::size_t index) {
        if (index < room.cursor) {
            --room.cursor;
            if (index != room.cursor)
                place(room, index, room.members[room.cursor]);
            index = room.cursor;
        }
        if (index + 1 != room.members.size())
            place(room, index, room.members.back());
        room.members.pop_back();
    }
    void vacate(Room& room) {
        if (!room.members.empty() || !room.queue.empty())
            return;                       // a queued message still names it: finish() looks again
        for (const auto& passage : ready) // a later room may get its address
            std::erase(passage->except, &room);
        walk[room.place] = walk.back();
        walk[room.place]->place = room.place;
        walk.pop_back();
        Namespace& owner = room.owner;
        owner.rooms.erase(
            owner.rooms.find(std::string_view(room.name.text()))); // `room` is gone from here on
        counters.add(shared::Metric::Rooms, 0, -1);
    }
    void leaveSeat(Member& member, std::size_t seat) {
        Room& room = *member.seats[seat].room;
        takeOut(room, member.seats[seat].position);
        member.seats[seat] = member.seats.back();
        member.seats.pop_back();
        if (room.members.empty()) {
            router.roomVacated(room.owner.name, room.name, shard);
            batches.take(room); // nobody is left who should get it
            vacate(room);
        }
    }

    void queueIn(const std::shared_ptr<Passage>& passage) {
        passage->waitingFor = passage->rooms.size();
        for (Room* room : passage->rooms) {
            room->queue.push_back(passage);
            room->rate.add(passage->queuedAt);
            if (room->queue.size() == 1)
                --passage->waitingFor;
        }
        ++waiting;
        if (passage->waitingFor == 0)
            makeReady(passage);
    }
    void closeBatch(Room& room) {
        auto batch = batches.take(room);
        if (!batch)
            return;
        auto passage = std::make_shared<Passage>(batch->whole(), clock.now());
        passage->batch = std::move(batch);
        passage->rooms.push_back(&room);
        queueIn(passage);
    }
    /// Null: the message goes alone.
    Room* batching(const Namespace& nsp, const Message& message) const {
        if (message.batchSize <= 0 || message.rooms.size() != 1 || !message.attachments.empty())
            return nullptr;
        const std::string_view name = message.rooms.front().text();
        const auto isRoom = [&](const RoomName& other) { return find(nsp, other.text()) != nullptr; };
        if (nsp.byId.find(name) != nsp.byId.end() || // one member's own
            std::any_of(message.except.begin(), message.except.end(), isRoom))
            return nullptr;
        return find(nsp, name);
    }
    void keepForBatch(Room& room, const Message& message) {
        if (batches.add(room, message, clock.now()) == OpenBatches::State::Full)
            closeBatch(room);
        while (batches.areTooLarge())
            closeBatch(*batches.first()->second);
    }
    void makeReady(const std::shared_ptr<Passage>& passage) {
        if (passage->isMarking() && std::exchange(isMarkerUnderWay, true))
            markers.push_back(passage);
        else
            ready.push_back(passage);
    }
    void findAbsent(Passage& passage, const Namespace& nsp) const {
        for (const auto& name : passage.delivery.message().except) {
            if (const auto it = nsp.byId.find(std::string_view(name.text())); it != nsp.byId.end())
                passage.absent.push_back(it->second);
            if (const Room* room = find(nsp, name.text()))
                passage.except.push_back(room);
        }
    }
    static bool isLeftOut(const Passage& passage, const Member& member) {
        return std::find(passage.absent.begin(), passage.absent.end(), &member) != passage.absent.end() ||
               std::any_of(passage.except.begin(), passage.except.end(),
                           [&member](const Room* room) { return sits(member, *room); });
    }
    void hand(Passage& passage, Member& member) {
        if (passage.isMarking() && std::exchange(member.visit, passage.mark) == passage.mark)
            return;
        if (isLeftOut(passage, member))
            return;
        if (std::binary_search(passage.apart.begin(), passage.apart.end(), &member))
            return handPart(passage, member);
        ++passage.reached;
        member.recipient->deliver(member, passage.delivery);
    }
    static void handPart(Passage& passage, Member& member) {
        if (auto part = passage.batch->without(member.id.text())) {
            Delivery delivery(std::move(part));
            ++passage.reached;
            member.recipient->deliver(member, delivery);
        }
    }
    void handToImplied(Passage& passage, const Namespace& nsp) {
        for (const auto& id : passage.implied) {
            if (const auto it = nsp.byId.find(std::string_view(id.text())); it != nsp.byId.end())
                hand(passage, *it->second);
        }
    }
    void start(Passage& passage, const Namespace& nsp) {
        passage.isStarted = true;
        passage.mark = ++nextMark;
        for (Room* room : passage.rooms)
            room->cursor = 0;
        findAbsent(passage, nsp);
        if (passage.batch)
            findApart(passage, nsp);
        handToImplied(passage, nsp);
    }
    static void findApart(Passage& passage, const Namespace& nsp) {
        for (const auto name : passage.batch->except()) {
            if (const auto it = nsp.byId.find(name);
                it != nsp.byId.end() && sits(*it->second, *passage.rooms.front()))
                passage.apart.push_back(it->second);
        }
        std::sort(passage.apart.begin(), passage.apart.end());
    }
    void count(const Passage& passage) {
        counters.observeCount(shared::Metric::FanoutMembers, passage.reached);
        counters.observe(shared::Metric::FanoutSeconds, clock.now() - passage.queuedAt);
    }
    void finish(const std::shared_ptr<Passage>& passage) {
        --waiting;
        count(*passage);
        if (passage->isMarking()) {
            isMarkerUnderWay = !markers.empty();
            if (isMarkerUnderWay) {
                ready.push_back(std::move(markers.front()));
                markers.pop_front();
            }
        }
        for (Room* room : passage->rooms) {
            room->queue.pop_front();
            room->cursor = 0;
            if (!room->queue.empty()) {
                const auto& next = room->queue.front();
                if (--next->waitingFor == 0)
                    makeReady(next);
            } else if (room->members.empty() && room != &room->owner.everybody) {
                vacate(*room);
            }
        }
    }
    /// Visits members until the passage or the budget is at its end; true when the passage is.
    bool visit(Passage& passage, Budget& budget) {
        while (passage.current < passage.rooms.size()) {
            Room& room = *passage.rooms[passage.current];
            while (room.cursor < room.members.size()) {
                if (budget.isSpent())
                    return false;
                budget.spend();
                hand(passage, *room.members[room.cursor++]);
            }
            ++passage.current;
        }
        return true;
    }
};

Rooms::Rooms(ShardIndex shard, Router& router, Counters& counters, const Clock& clock)
    : m_inner(new Inner{shard, router, counters, clock, {}, {}, {}}) {}
Rooms::~Rooms() = default;

void Rooms::add(Member& member) {
    auto& slot = m_inner->namespaces[member.nsp.text()];
    if (!slot)
        slot = std::make_unique<Namespace>(member.nsp);
    slot->byId.insert({member.id.text(), &member});
    slot->everybody.members.push_back(&member);
    member.everybody = std::uint32_t(slot->everybody.members.size() - 1);
    ++m_inner->memberCount;
}

void Rooms::remove(Member& member) {
    while (!member.seats.empty())
        m_inner->leaveSeat(member, member.seats.size() - 1);
    Namespace* nsp = m_inner->find(member.nsp.text());
    nsp->byId.erase(member.id.text());
    Inner::takeOut(nsp->everybody, member.everybody);
    --m_inner->memberCount;
    // A message under way remembers it only to leave it out; a later member may get its address.
    for (const auto& passage : m_inner->ready) {
        std::erase(passage->absent, &member);
        std::erase(passage->apart, &member);
    }
}

JoinOutcome Rooms::join(Member& member, const RoomName& name) {
    if (name.text() == member.id.text())
        return JoinOutcome::AlreadyIn; // the implied room
    Namespace& nsp = *m_inner->find(member.nsp.text());
    Room* room = Inner::find(nsp, name.text());
    if (room && Inner::sits(member, *room))
        return JoinOutcome::AlreadyIn;
    if (!room) {
        auto made = std::make_unique<Room>(nsp, name);
        room = made.get();
        nsp.rooms.insert({name.text(), std::move(made)});
        room->place = m_inner->walk.size();
        m_inner->walk.push_back(room);
        m_inner->counters.add(shared::Metric::Rooms);
    }
    if (room->members.empty())
        m_inner->router.roomOccupied(nsp.name, name, m_inner->shard);
    room->members.push_back(&member);
    member.seats.push_back({room, std::uint32_t(room->members.size() - 1)});
    return JoinOutcome::Joined;
}

bool Rooms::leave(Member& member, const RoomName& name) {
    for (std::size_t seat = 0; seat < member.seats.size(); ++seat) {
        if (member.seats[seat].room->name == name) {
            m_inner->leaveSeat(member, seat);
            return true;
        }
    }
    return false;
}

bool Rooms::isIn(const Member& member, const RoomName& name) const {
    return name.text() == member.id.text() ||
           std::any_of(member.seats.begin(), member.seats.end(),
                       [&name](const Member::Seat& seat) { return seat.room->name == name; });
}

std::vector<RoomName> Rooms::roomsOf(const Member& member) const {
    std::vector<RoomName> names;
    names.reserve(member.seats.size());
    for (const auto& seat : member.seats)
        names.push_back(seat.room->name);
    return names;
}

Member* Rooms::find(const NamespaceName& nsp, const MemberId& id) const {
    const Namespace* found = m_inner->find(nsp.text());
    if (!found)
        return nullptr;
    const auto it = found->byId.find(std::string_view(id.text()));
    return it == found->byId.end() ? nullptr : it->second;
}

std::size_t Rooms::memberCount() const {
    return m_inner->memberCount;
}
std::size_t Rooms::roomCount() const {
    return m_inner->walk.size();
}

std::size_t Rooms::memberCount(const NamespaceName& nsp, const RoomName& name) const {
    const Namespace* found = m_inner->find(nsp.text());
    if (!found)
        return 0;
    if (name.text().empty())
        return found->everybody.members.size();
    const Room* room = Inner::find(*found, name.text());
    const auto implied = found->byId.find(std::string_view(name.text()));
    return (room ? room->members.size() : 0) + (implied == found->byId.end() ? 0 : 1);
}

std::optional<LocalRoom> Rooms::row(const NamespaceName& nsp, const RoomName& name) const {
    const Namespace* found = m_inner->find(nsp.text());
    const Room* room = found ? Inner::find(*found, name.text()) : nullptr;
    if (!room || room->members.empty())
        return std::nullopt;
    return LocalRoom{nsp, name, room->members.size(), double(room->rate.value(m_inner->clock.now()))};
}

std::size_t Rooms::visitRooms(std::size_t from, std::size_t most,
                              const std::function<void(const LocalRoom&)>& visitor) const {
    // Downwards: who goes is replaced by the last room, which has been visited already.
    const TimePoint now = m_inner->clock.now();
    std::size_t place = std::min(from, m_inner->walk.size());
    for (; place > 0 && most > 0; --most) {
        const Room& room = *m_inner->walk[--place];
        if (!room.members.empty())
            visitor({room.owner.name, room.name, room.members.size(), double(room.rate.value(now))});
    }
    return place;
}

void Rooms::deliver(MessagePtr message) {
    Namespace* nsp = m_inner->find(message->nsp.text());
    if (!nsp)
        return;
    if (m_inner->waiting + m_inner->batches.size() >= MostWaiting) {
        m_inner->counters.add(shared::Metric::DropsTotal, shared::DropReason::Overloaded);
        return;
    }
    if (Room* const room = m_inner->batching(*nsp, *message))
        return m_inner->keepForBatch(*room, *message);
    auto passage = std::make_shared<Passage>(std::move(message), m_inner->clock.now());
    const auto& names = passage->delivery.message().rooms;
    if (names.empty())
        passage->rooms.push_back(&nsp->everybody);
    for (const auto& name : names) {
        if (nsp->byId.find(std::string_view(name.text())) != nsp->byId.end())
            passage->implied.emplace_back(name.text());
        if (Room* room = Inner::find(*nsp, name.text()))
            passage->rooms.push_back(room);
    }
    std::sort(passage->rooms.begin(), passage->rooms.end());
    passage->rooms.erase(std::unique(passage->rooms.begin(), passage->rooms.end()), passage->rooms.end());
    std::sort(passage->implied.begin(), passage->implied.end());
    passage->implied.erase(std::unique(passage->implied.begin(), passage->implied.end()),
                           passage->implied.end());
    if (!passage->rooms.empty()) {
        for (Room* const room : passage->rooms)
            m_inner->closeBatch(*room);
        m_inner->queueIn(passage);
    } else if (!passage->implied.empty()) {
        // Single members only: nothing to wait for. It marks nobody who is met again, so the mark stays free.
        m_inner->findAbsent(*passage, *nsp);
        for (const auto& id : passage->implied) {
            Member& member = *nsp->byId.find(std::string_view(id.text()))->second;
            if (!m_inner->isLeftOut(*passage, member)) {
                ++passage->reached;
                member.recipient->deliver(member, passage->delivery);
            }
        }
        m_inner->count(*passage);
    }
}

std::optional<TimePoint> Rooms::nextBatch() const {
    const auto first = m_inner->batches.first();
    return first ? std::optional(first->first) : std::nullopt;
}

void Rooms::closeBatches(TimePoint now) {
    for (auto first = m_inner->batches.first(); first && first->first <= now;
         first = m_inner->batches.first())
        m_inner->closeBatch(*first->second);
}

SliceOutcome Rooms::deliverSlice(std::size_t recipients) {
    Budget budget(m_inner->clock, recipients);
    while (!m_inner->ready.empty() && !budget.isSpent()) {
        const auto passage = m_inner->ready.front();
        budget.spend(); // a message that meets nobody costs something too
        if (!passage->isStarted)
            m_inner->start(*passage, passage->rooms.front()->owner);
        // Others first: a large room does not hold back a small one for longer than a slice.
        const bool isDone = m_inner->visit(*passage, budget);
        m_inner->ready.pop_front();
        if (isDone)
            m_inner->finish(passage);
        else
            m_inner->ready.push_back(passage);
    }
    return m_inner->ready.empty() ? SliceOutcome::Finished : SliceOutcome::MoreLeft;
}

} // namespace server
