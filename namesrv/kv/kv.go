// Package kv is the name server's KV configuration: tables of strings by
// namespace, which administrators set and brokers and clients read. Order topics
// live in it. It is the only thing that a name server stores: kvConfig.json, in
// the official form, so that either system starts on the other one's file.
//
// It knows no requests.
package kv

import (
	"fmt"
	"maps"
	"sync"

	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/configfile"
)

// OrderTopics is the namespace of order configurations: topic → "broker:queues;…"
// (upstream's NAMESPACE_ORDER_TOPIC_CONFIG).
const OrderTopics = "ORDER_TOPIC_CONFIG"

// Store is the KV configuration. It is safe for concurrent use.
type Store struct {
	file *configfile.File

	mu    sync.RWMutex // guards table
	table map[string]map[string]string
}

// content is the form of kvConfig.json (upstream's KVConfigSerializeWrapper). It
// is one line, unlike the broker's files.
type content struct {
	ConfigTable map[string]map[string]string `json:"configTable"`
}

// Open reads the file at path, or its backup when it cannot be read. A file that
// does not exist is an empty configuration.
func Open(fsys configfile.FS, path string) (*Store, configfile.Loaded, error) {
	s := &Store{table: map[string]map[string]string{}}
	s.file = configfile.New(fsys, path, s.encode)
	loaded, err := s.file.Load(s.decode)
	if err != nil {
		return nil, loaded, fmt.Errorf("KV configuration: %w", err)
	}
	return s, loaded, nil
}

func (s *Store) encode() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return compat.MarshalFastjson(content{s.table})
}

func (s *Store) decode(data []byte) error {
	var c content
	if err := compat.UnmarshalFastjson(data, &c); err != nil {
		return err
	}
	for namespace, table := range c.ConfigTable {
		if table == nil {
			table = map[string]string{}
		}
		s.table[namespace] = table
	}
	return nil
}

// Put sets a key and stores the configuration. When it returns an error the value
// holds until the process ends, and is not on the disk.
func (s *Store) Put(namespace, key, value string) error {
	s.mu.Lock()
	s.space(namespace)[key] = value
	s.mu.Unlock()
	return s.persist()
}

// PutNothing gives a key no value and creates its namespace, which is what
// upstream makes of a request without a value.
func (s *Store) PutNothing(namespace, key string) error {
	s.mu.Lock()
	delete(s.space(namespace), key)
	s.mu.Unlock()
	return s.persist()
}

// space is the table of a namespace; the caller holds mu.
func (s *Store) space(namespace string) map[string]string {
	table := s.table[namespace]
	if table == nil {
		table = map[string]string{}
		s.table[namespace] = table
	}
	return table
}

// Delete removes a key, present or not. Its namespace stays.
func (s *Store) Delete(namespace, key string) error {
	s.mu.Lock()
	delete(s.table[namespace], key)
	s.mu.Unlock()
	return s.persist()
}

func (s *Store) persist() error {
	if err := s.file.Persist(); err != nil {
		return fmt.Errorf("the KV configuration was changed but could not be stored: %w", err)
	}
	return nil
}

// Get finds the value of a key.
func (s *Store) Get(namespace, key string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, ok := s.table[namespace][key]
	return value, ok
}

// List copies a namespace; false when it was never written to.
func (s *Store) List(namespace string) (map[string]string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	table, ok := s.table[namespace]
	return maps.Clone(table), ok
}
