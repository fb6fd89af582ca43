package main

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func text(o object, name string) types.String {
	if s, ok := o[name].(string); ok {
		return types.StringValue(s)
	}
	return types.StringNull()
}

// The read-back: the state from the API, secrets and write-only members from what was there.
func (p *pipe) read(m *model) error {
	o, err := p.call("GET", m.ServiceID.ValueString(), m.ID.ValueString(), nil)
	if err != nil {
		return err
	}
	m.Name, m.State = text(o, "name"), text(o, "state")
	k := o["source"].(object)["kafka"].(object)
	old := &kafka{}
	if m.Source != nil && m.Source.Kafka != nil {
		old = m.Source.Kafka
	}
	n := &kafka{Type: text(k, "type"), Format: text(k, "format"), Brokers: text(k, "brokers"), Topics: text(k, "topics"),
		ConsumerGroup: text(k, "consumerGroup"), Authentication: text(k, "authentication"), Credentials: old.Credentials,
		IamRole: text(k, "iamRole"), CaCertificate: text(k, "caCertificate")}
	if f, ok := k["offset"].(object); ok {
		n.Offset = &offset{text(f, "strategy"), text(f, "timestamp")}
	}
	if b, ok := k["exactlyOnce"].(bool); ok {
		n.ExactlyOnce = types.BoolValue(b)
	}
	m.Source = &source{n}
	d := o["destination"].(object)
	to := &destination{Database: text(d, "database"), Table: text(d, "table"), ManagedTable: types.BoolValue(d["managedTable"].(bool))}
	var before *tableDefinition
	if m.Destination != nil {
		to.Roles, before = m.Destination.Roles, m.Destination.TableDefinition
	}
	if t, ok := d["tableDefinition"].(object); ok {
		e := t["engine"].(object)
		kind, _, _ := strings.Cut(e["type"].(string), "(")
		to.TableDefinition = &tableDefinition{Engine: &engine{Type: types.StringValue(kind)}, PartitionBy: text(t, "partitionBy"), PrimaryKey: text(t, "primaryKey")}
		for _, s := range t["sortingKey"].([]any) {
			to.TableDefinition.SortingKey = append(to.TableDefinition.SortingKey, s.(string))
		}
		if before != nil {
			to.TableDefinition.Engine.VersionColumnID, to.TableDefinition.Engine.ColumnIDs = before.Engine.VersionColumnID, before.Engine.ColumnIDs
		}
	}
	for _, c := range d["columns"].([]any) {
		to.Columns = append(to.Columns, column{c.(object)["name"].(string), c.(object)["type"].(string)})
	}
	m.Destination = to
	m.FieldMappings = nil
	if list, ok := o["fieldMappings"].([]any); ok {
		for _, c := range list {
			m.FieldMappings = append(m.FieldMappings, mapping{c.(object)["sourceField"].(string), c.(object)["destinationField"].(string)})
		}
	}
	m.Settings = types.DynamicNull()
	if s, ok := o["settings"].(object); ok && len(s) > 0 {
		kinds, values := map[string]attr.Type{}, map[string]attr.Value{}
		for name, v := range s {
			switch x := v.(type) {
			case bool:
				kinds[name], values[name] = types.BoolType, types.BoolValue(x)
			case float64:
				f := types.NumberValue(big.NewFloat(x))
				kinds[name], values[name] = types.NumberType, f
			default:
				kinds[name], values[name] = types.StringType, types.StringValue(fmt.Sprint(x))
			}
		}
		m.Settings = types.DynamicValue(types.ObjectValueMust(kinds, values))
	}
	if m.Scaling != nil {
		s := o["scaling"].(object)
		m.Scaling = &scaling{types.Int64Value(int64(s["replicas"].(float64))), types.Int64Value(int64(s["replicaCpuMillicores"].(float64))),
			types.Float64Value(s["replicaMemoryGb"].(float64))}
	}
	return nil
}
