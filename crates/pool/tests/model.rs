//! The pool against a naive model, over random sequences of operations.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod fake;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use fake::Fake;
use proptest::{collection::vec, option, prelude::*};
use switchboard_connection::{Connection, Disconnect, Room};
use switchboard_pool::{
    AddError, Added, JoinError, Joined, Left, OnDuplicate, Pool, PoolConfig, Removed,
};

const NAMESPACES: [&str; 2] = ["alpha", "beta"];
const ROOMS: [&str; 4] = ["r0", "r1", "r2", "r3"];
const IDS: usize = 30;
const MOST_ROOMS: usize = 3;

/// Objects are chosen by a number, modulo how many there are.
#[derive(Clone, Debug)]
enum Op {
    AddNew {
        namespace: usize,
        id: usize,
    },
    AddAgain {
        object: usize,
    },
    Remove {
        object: usize,
    },
    Close {
        object: usize,
    },
    Join {
        object: usize,
        room: usize,
    },
    Leave {
        object: usize,
        room: usize,
    },
    LeaveAll {
        object: usize,
    },
    Broadcast {
        namespace: usize,
        to: Option<Vec<usize>>,
        except: Vec<usize>,
        rooms: Vec<usize>,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (ns, id, room, object) = (0..NAMESPACES.len(), 0..IDS, 0..ROOMS.len(), 0..1_000_usize);
    prop_oneof![
        8 => (ns.clone(), id.clone()).prop_map(|(namespace, id)| Op::AddNew { namespace, id }),
        2 => object.clone().prop_map(|object| Op::AddAgain { object }),
        6 => object.clone().prop_map(|object| Op::Remove { object }),
        1 => object.clone().prop_map(|object| Op::Close { object }),
        8 => (object.clone(), room.clone()).prop_map(|(object, room)| Op::Join { object, room }),
        3 => (object.clone(), room.clone()).prop_map(|(object, room)| Op::Leave { object, room }),
        1 => object.prop_map(|object| Op::LeaveAll { object }),
        6 => (ns, option::of(vec(room.clone(), 0..4)), vec(id, 0..3), vec(room, 0..2))
            .prop_map(|(namespace, to, except, rooms)| Op::Broadcast { namespace, to, except, rooms }),
    ]
}

/// One connection that ever was, and what should be true of it.
struct Object {
    connection: Arc<Fake>,
    namespace: &'static str,
    id: String,
    closed: bool,
    received: Vec<String>,
}

/// Everything as plain lists, searched from one end to the other.
#[derive(Default)]
struct Model {
    objects: Vec<Object>,
    /// Numbers of objects, in the order they came.
    members: HashMap<&'static str, Vec<usize>>,
    rooms: HashMap<(&'static str, &'static str), Vec<usize>>,
    rooms_of: HashMap<usize, Vec<&'static str>>,
}

impl Model {
    fn is_member(&self, object: usize) -> bool {
        self.members
            .get(self.objects[object].namespace)
            .is_some_and(|all| all.contains(&object))
    }

    fn by_id(&self, namespace: &str, id: &str) -> Option<usize> {
        self.members
            .get(namespace)?
            .iter()
            .copied()
            .find(|found| self.objects[*found].id == id)
    }

    fn add(&mut self, object: usize, policy: OnDuplicate) -> Result<Added, AddError> {
        let Object {
            namespace,
            ref id,
            closed,
            ..
        } = self.objects[object];
        if closed {
            return Err(AddError::Closed);
        }
        let old = self.by_id(namespace, id);
        let added = match old {
            None if self.members.get(namespace).is_none_or(Vec::is_empty) => {
                Added::FirstInNamespace
            }
            None => Added::Member,
            Some(old) if old == object || policy == OnDuplicate::Reject => {
                return Err(AddError::Duplicate);
            }
            Some(old) => {
                self.remove(old);
                self.objects[old].closed = true;
                Added::Replaced
            }
        };
        self.members.entry(namespace).or_default().push(object);
        Ok(added)
    }

    fn remove(&mut self, object: usize) -> Removed {
        if !self.is_member(object) {
            return Removed::Absent;
        }
        self.leave_all(object);
        let members = self
            .members
            .get_mut(self.objects[object].namespace)
            .unwrap();
        members.retain(|member| *member != object);
        if members.is_empty() {
            Removed::LastInNamespace
        } else {
            Removed::Member
        }
    }

    fn join(&mut self, object: usize, room: &'static str) -> Result<Joined, JoinError> {
        if !self.is_member(object) {
            return Err(JoinError::Absent);
        }
        let mine = self.rooms_of.entry(object).or_default();
        if mine.contains(&room) {
            return Ok(Joined::Already);
        }
        if mine.len() == MOST_ROOMS {
            return Err(JoinError::TooManyRooms { limit: MOST_ROOMS });
        }
        mine.push(room);
        let members = self
            .rooms
            .entry((self.objects[object].namespace, room))
            .or_default();
        members.push(object);
        Ok(if members.len() == 1 {
            Joined::FirstInRoom
        } else {
            Joined::Member
        })
    }

    fn leave(&mut self, object: usize, room: &'static str) -> Left {
        let Some(members) = self.rooms.get_mut(&(self.objects[object].namespace, room)) else {
            return Left::Absent;
        };
        if !members.contains(&object) {
            return Left::Absent;
        }
        members.retain(|member| *member != object);
        let left = if members.is_empty() {
            Left::LastInRoom
        } else {
            Left::Member
        };
        self.rooms_of
            .get_mut(&object)
            .unwrap()
            .retain(|mine| *mine != room);
        left
    }

    fn leave_all(&mut self, object: usize) -> Vec<(Room, Left)> {
        let rooms = self.rooms_of.get(&object).cloned().unwrap_or_default();
        let leave = |room| (Room::new(room).unwrap(), self.leave(object, room));
        rooms.into_iter().map(leave).collect()
    }

    /// Who is reached, in order, and how many targets are absent.
    fn reached(
        &self,
        namespace: &'static str,
        to: Option<&[&'static str]>,
        except: &[String],
        rooms: &[&'static str],
    ) -> (Vec<usize>, usize) {
        let in_room = |room| {
            self.rooms
                .get(&(namespace, room))
                .cloned()
                .unwrap_or_default()
        };
        let all = self.members.get(namespace).cloned().unwrap_or_default();
        let targets: Vec<Vec<usize>> = match to {
            None => vec![all],
            Some(to) => to.iter().map(|room| in_room(room)).collect(),
        };
        let absent = targets.iter().filter(|target| target.is_empty()).count();
        let left_out: BTreeSet<usize> = rooms.iter().flat_map(|room| in_room(room)).collect();
        let mut reached = Vec::new();
        for object in targets.into_iter().flatten() {
            if !reached.contains(&object)
                && !left_out.contains(&object)
                && !except.contains(&self.objects[object].id)
            {
                reached.push(object);
            }
        }
        (reached, absent)
    }
}

fn run(ops: Vec<Op>, policy: OnDuplicate) -> Result<(), TestCaseError> {
    let config = PoolConfig::default()
        .with_on_duplicate(policy)
        .with_max_rooms_per_connection(MOST_ROOMS);
    let pool = Pool::new(config);
    let mut model = Model::default();
    for (step, op) in ops.into_iter().enumerate() {
        let pick = |object: usize| object.checked_rem(model.objects.len());
        match op {
            Op::AddNew { namespace, id } => {
                let (namespace, id) = (NAMESPACES[namespace], id.to_string());
                let connection = Fake::new(namespace, &id);
                let object = model.objects.len();
                let (closed, received) = (false, Vec::new());
                model.objects.push(Object {
                    connection,
                    namespace,
                    id,
                    closed,
                    received,
                });
                let expected = model.add(object, policy);
                prop_assert_eq!(pool.add(model.objects[object].connection.clone()), expected);
            }
            Op::AddAgain { object } => {
                let Some(object) = pick(object) else { continue };
                let expected = model.add(object, policy);
                prop_assert_eq!(pool.add(model.objects[object].connection.clone()), expected);
            }
            Op::Remove { object } => {
                let Some(object) = pick(object) else { continue };
                let expected = model.remove(object);
                prop_assert_eq!(pool.remove(&model.objects[object].connection), expected);
            }
            Op::Close { object } => {
                let Some(object) = pick(object) else { continue };
                model.objects[object].closed = true;
                model.objects[object].connection.close(Disconnect::NORMAL);
            }
            Op::Join { object, room } => {
                let Some(object) = pick(object) else { continue };
                let expected = model.join(object, ROOMS[room]);
                let room = Room::new(ROOMS[room]).unwrap();
                prop_assert_eq!(
                    pool.join(&model.objects[object].connection, &room),
                    expected
                );
            }
            Op::Leave { object, room } => {
                let Some(object) = pick(object) else { continue };
                let expected = model.leave(object, ROOMS[room]);
                let left = pool.leave(&model.objects[object].connection, ROOMS[room]);
                prop_assert_eq!(left, expected);
            }
            Op::LeaveAll { object } => {
                let Some(object) = pick(object) else { continue };
                let expected = model.leave_all(object);
                prop_assert_eq!(pool.leave_all(&model.objects[object].connection), expected);
            }
            Op::Broadcast {
                namespace,
                to,
                except,
                rooms,
            } => {
                let name = |rooms: Vec<usize>| -> Vec<&str> {
                    rooms.into_iter().map(|room| ROOMS[room]).collect()
                };
                let except: Vec<String> = except.iter().map(ToString::to_string).collect();
                let to = to.map(name);
                broadcast(
                    &pool,
                    &mut model,
                    step,
                    NAMESPACES[namespace],
                    to.as_deref(),
                    &except,
                    &name(rooms),
                )?;
            }
        }
        compare(&pool, &model)?;
    }
    for object in &model.objects {
        prop_assert_eq!(&object.connection.texts(), &object.received);
    }
    Ok(())
}

/// Broadcasts the number of the step, to the pool and to the model.
fn broadcast(
    pool: &Pool,
    model: &mut Model,
    step: usize,
    namespace: &'static str,
    to: Option<&[&'static str]>,
    except: &[String],
    rooms: &[&'static str],
) -> Result<(), TestCaseError> {
    let (reached, absent) = model.reached(namespace, to, except, rooms);
    let mut recipients = pool.namespace(namespace).except_all(except);
    if let Some(to) = to {
        recipients = recipients.to_all(to);
    }
    for room in rooms {
        recipients = recipients.except_room(room);
    }
    let order = recipients.connections();
    let order: Vec<&str> = order.iter().map(|one| one.address().id.as_str()).collect();
    let expected: Vec<&str> = reached
        .iter()
        .map(|one| model.objects[*one].id.as_str())
        .collect();
    prop_assert_eq!(order, expected);

    let report = recipients.send(step.to_string());
    let closed = reached
        .iter()
        .filter(|one| model.objects[**one].closed)
        .count();
    prop_assert_eq!(report.closed, closed);
    prop_assert_eq!(report.queued, reached.len() - closed);
    prop_assert_eq!(report.absent, absent);
    for object in reached {
        if !model.objects[object].closed {
            model.objects[object].received.push(step.to_string());
        }
    }
    Ok(())
}

/// What can be read from the pool is what the model says.
fn compare(pool: &Pool, model: &Model) -> Result<(), TestCaseError> {
    let mut total = 0;
    for namespace in NAMESPACES {
        let members = model.members.get(namespace).cloned().unwrap_or_default();
        total += members.len();
        prop_assert_eq!(pool.count(namespace), members.len());
        prop_assert_eq!(pool.has_namespace(namespace), !members.is_empty());
        let connections = pool.connections(namespace);
        prop_assert_eq!(connections.iter().len(), members.len());
        for (found, member) in connections.iter().zip(&members) {
            prop_assert!(Arc::ptr_eq(
                found,
                &(model.objects[*member].connection.clone() as Arc<_>)
            ));
        }
        for room in ROOMS {
            let expected = model.rooms.get(&(namespace, room)).map_or(0, Vec::len);
            prop_assert_eq!(pool.member_count(namespace, room), expected);
            prop_assert_eq!(pool.members(namespace, room).len(), expected);
        }
    }
    prop_assert_eq!(pool.len(), total);
    for (number, object) in model.objects.iter().enumerate().rev().take(40) {
        let connection = &object.connection;
        prop_assert_eq!(pool.holds(connection), model.is_member(number));
        prop_assert_eq!(connection.is_closed(), object.closed);
        let rooms = pool.rooms_of(connection);
        let expected = model.rooms_of.get(&number).cloned().unwrap_or_default();
        prop_assert_eq!(rooms.iter().map(Room::as_str).collect::<Vec<_>>(), expected);
        let found = model.by_id(object.namespace, &object.id);
        prop_assert_eq!(pool.has(object.namespace, &object.id), found.is_some());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn c18_the_pool_does_what_the_model_says(ops in vec(op(), 0..400), replace: bool) {
        run(ops, if replace { OnDuplicate::Replace } else { OnDuplicate::Reject })?;
    }
}
