package admin

import (
	"context"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/codec"
	"github.com/gantrymq/gantry/compat"
	"github.com/gantrymq/gantry/protocol"
)

// ControllerMeta reads who a controller takes for the leader of its group.
func (c *Client) ControllerMeta(ctx context.Context, controller string) (*protocol.GetMetaDataResponseHeader, error) {
	var answer protocol.GetMetaDataResponseHeader
	err := c.askHeader(ctx, controller, protocol.ControllerGetMetadataInfo, nil, &answer)
	return &answer, err
}

// leader finds the leader of a controller's group.
func (c *Client) leader(ctx context.Context, controller string) (string, error) {
	meta, err := c.ControllerMeta(ctx, controller)
	if err != nil {
		return "", err
	}
	return meta.ControllerLeaderAddress, nil
}

// SyncStateSets reads which replicas of brokers are in step, from the leader of the
// controller's group.
func (c *Client) SyncStateSets(ctx context.Context, controller string, brokers []string) (map[string]Replicas, error) {
	leader, err := c.leader(ctx, controller)
	if err != nil {
		return nil, err
	}
	body, err := compat.MarshalFastjson(brokers)
	if err != nil {
		return nil, err
	}
	info, err := askJSON[replicasInfo](ctx, c, leader, protocol.ControllerGetSyncStateData, nil, body)
	return info.ReplicasInfoTable, err
}

type replicasInfo struct {
	ReplicasInfoTable map[string]Replicas `json:"replicasInfoTable"` // by broker name
}

// Replicas are the replicas of one broker (upstream's ReplicasInfo).
type Replicas struct {
	InSyncReplicas    []Replica            `json:"inSyncReplicas"`
	MasterAddress     protocol.Opt[string] `json:"masterAddress"`
	MasterBrokerID    protocol.Opt[int64]  `json:"masterBrokerId"`
	MasterEpoch       protocol.Opt[int32]  `json:"masterEpoch"`
	NotInSyncReplicas []Replica            `json:"notInSyncReplicas"`
	SyncStateSetEpoch protocol.Opt[int32]  `json:"syncStateSetEpoch"`
}

// Replica is one of them.
type Replica struct {
	Alive         protocol.Opt[bool]  `json:"alive"`
	BrokerAddress string              `json:"brokerAddress,omitempty"`
	BrokerID      protocol.Opt[int64] `json:"brokerId"`
	BrokerName    string              `json:"brokerName,omitempty"`
}

// ControllerConfig reads the configuration of one controller.
func (c *Client) ControllerConfig(ctx context.Context, controller string) (map[string]string, error) {
	return c.properties(ctx, controller, protocol.GetControllerConfig)
}

// UpdateControllerConfig changes the configuration of one controller.
func (c *Client) UpdateControllerConfig(ctx context.Context, controller string, values map[string]string) error {
	return c.do(ctx, controller, protocol.UpdateControllerConfig, nil, compat.AppendProperties(nil, values))
}

// ElectMaster has the controllers make one replica of a broker its master.
func (c *Client) ElectMaster(ctx context.Context, controller, cluster, brokerName string, id int64) (*protocol.ElectMasterResponseHeader, *protocol.BrokerMemberGroup, error) {
	leader, err := c.leader(ctx, controller)
	if err != nil {
		return nil, nil, err
	}
	f, err := c.ask(ctx, leader, protocol.ControllerElectMaster,
		&protocol.ElectMasterRequestHeader{ClusterName: cluster, BrokerName: brokerName, BrokerID: id, DesignateElect: true}, nil)
	if err != nil {
		return nil, nil, err
	}
	var answer protocol.ElectMasterResponseHeader
	var group protocol.BrokerMemberGroup
	codec.DecodeHeaderLoosely(&answer, f.Ext)
	return &answer, &group, decodeBody(f, leader, protocol.ControllerElectMaster, &group)
}

// CleanBrokerMetadata has the controllers forget replicas of a broker: those with the
// ids, or without any all; living ones only if living is set.
func (c *Client) CleanBrokerMetadata(ctx context.Context, controller, cluster, brokerName string, ids []int64, living bool) error {
	leader, err := c.leader(ctx, controller)
	if err != nil {
		return err
	}
	var list []string
	for _, id := range ids {
		list = append(list, strconv.FormatInt(id, 10))
	}
	return c.do(ctx, leader, protocol.CleanBrokerData, &protocol.CleanControllerBrokerDataRequestHeader{
		ClusterName: cluster, BrokerName: brokerName, BrokerControllerIDsToClean: strings.Join(list, ";"), IsCleanLivingBroker: living,
	}, nil)
}
